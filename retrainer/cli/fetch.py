"""`retrainer fetch`."""

from pathlib import Path

import click

from retrainer.backbones.available import QUANTIZED
from retrainer.cli.flags import command as command_of
from retrainer.errors import RetrainerError
from retrainer.options.backbone import FetchOptions
from retrainer.system.terminal import say
from retrainer.text import pasted, shown

FAILED = 1


def run(options: FetchOptions, names: tuple[str, ...]) -> int:
    """Prepares the backbones, and prints where they are and how to use them; returns the exit code."""
    from retrainer.fetching import fetch
    from retrainer.observers.console import Console

    failures, ready = 0, ""
    with Console() as console:
        for name, bundle in fetch(names, options, console):
            if isinstance(bundle, RetrainerError):
                failures += 1
                say(f"Error: {bundle}" if shown(name) in str(bundle) else f"Error: {shown(name)}: {bundle}", err=True)
            else:
                # The other machine makes the int8 twin of a float bundle.
                ready = ready or (name if name == f"{bundle.name}{QUANTIZED}" else bundle.name)
                say(f"{shown(bundle.name)}: ready in '{shown(bundle.folder)}'")
    if options.to and ready:
        folder = pasted(Path(options.to).name or options.to)
        say(
            "\nCarry the folder to the other machine, and name it there:\n"
            f"  retrainer retrain --model_dir {folder} --architecture {pasted(ready)} --image_dir PHOTOS"
        )
    return FAILED if failures else 0


command = command_of(
    "fetch", FetchOptions, run, "Download and convert backbones now, also for machines without a network connection."
)
command.params.append(click.Argument(["names"], nargs=-1, metavar="NAME..."))
