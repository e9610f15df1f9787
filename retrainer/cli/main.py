"""The command `retrainer`: it heeds signals first, and then imports what takes time."""

import sys
from collections.abc import Sequence

from retrainer.cli.signals import heed_signals


def main() -> None:
    """The command `retrainer`."""
    start("", sys.argv[1:], "retrainer")


def start(command: str, arguments: Sequence[str], name: str) -> None:
    """Runs the command line and ends the process with its exit code.

    Args:
        command: The only command there is, such as "label"; empty for the group of all.
        arguments: What stands behind the name.
        name: What the user calls it.
    """
    heed_signals()
    from retrainer.cli.commands import command_named, commands, run

    run(command_named(command) if command else commands, arguments, name)


def __getattr__(name: str) -> object:
    """`commands` and `run`, for who imports them from here; only then is imported what takes time."""
    if name not in ("commands", "run"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from retrainer.cli import commands

    return getattr(commands, name)
