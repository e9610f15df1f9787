"""The command `retrainer`, which handles signals before it imports anything that takes time."""

import sys
from collections.abc import Sequence

from retrainer.cli.signals import heed_signals


def main() -> None:
    """The command `retrainer`."""
    start("", sys.argv[1:], "retrainer")


def start(command: str, arguments: Sequence[str], name: str) -> None:
    """Runs the command line and ends the process with its exit code.

    Args:
        command: The only command, such as "label"; empty for all commands.
        arguments: The arguments after the name.
        name: The name that usage lines show.
    """
    heed_signals()
    from retrainer.cli.commands import command_named, commands, run

    run(command_named(command) if command else commands, arguments, name)


def __getattr__(name: str) -> object:
    """Gives `commands` and `run` to modules that import them from here."""
    if name not in ("commands", "run"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from retrainer.cli import commands

    return getattr(commands, name)
