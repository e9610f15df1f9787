"""`retrainer completion`."""

import os

import click

from retrainer.cli.candidates import one_of
from retrainer.cli.help import Command
from retrainer.errors import OptionError
from retrainer.system.terminal import say
from retrainer.text import shown

SHELLS = ("bash", "zsh", "fish")


def run(shell: str | None) -> None:
    """Prints the script for a shell."""
    if shell not in SHELLS:
        received = f"'{shown(shell)}'" if shell else "nothing"
        own = os.path.basename(os.environ.get("SHELL", ""))
        raise OptionError(
            f"SHELL: expected one of {', '.join(SHELLS)}, received {received}.",
            f"Type `retrainer completion {own if own in SHELLS else SHELLS[0]}`.",
        )
    from retrainer.cli.shells import SCRIPTS

    say(SCRIPTS[shell].rstrip("\n"))


command = Command(
    "completion",
    [click.Argument(["shell"], required=False, metavar="bash|zsh|fish", shell_complete=one_of(SHELLS))],
    run,
    "Print a script that completes commands, flags, names and paths. Its first lines say how to install it.",
    (
        'eval "$(retrainer completion bash)"',
        'eval "$(retrainer completion zsh)"',
        "retrainer completion fish | source",
    ),
)
