"""`retrainer fetch`."""

from dataclasses import dataclass
from pathlib import Path

import click

from retrainer.backbones.available import QUANTIZED
from retrainer.cli.candidates import backbones
from retrainer.cli.flags import command as command_of
from retrainer.errors import RetrainerError
from retrainer.options.backbone import FetchOptions
from retrainer.options.terminal import TerminalOptions
from retrainer.system.terminal import say
from retrainer.text import pasted, shown

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class FetchFlags(FetchOptions, TerminalOptions):
    """The flags of the command."""


def run(flags: FetchFlags, names: tuple[str, ...]) -> int:
    """Prepares the backbones, and prints where they are and how to use them; returns the exit code."""
    from retrainer.fetching import fetch
    from retrainer.observers.logs import log_of

    failures, ready = 0, ""
    with log_of(flags) as log:
        for name, bundle in fetch(names, flags.only(FetchOptions), on_progress=log):
            log.finish()
            if isinstance(bundle, RetrainerError):
                failures += 1
                say(f"Error: {bundle}" if shown(name) in str(bundle) else f"Error: {shown(name)}: {bundle}", err=True)
            else:
                # The other machine makes the int8 twin of a float bundle.
                ready = ready or (name if name == f"{bundle.name}{QUANTIZED}" else bundle.name)
                say(f"{shown(bundle.name)}: ready in '{shown(bundle.folder)}'")
    if flags.to and ready:
        folder = pasted(Path(flags.to).name or flags.to)
        say(
            "\nCarry the folder to the other machine, and name it there:\n"
            f"  retrainer retrain --model_dir {folder} --architecture {pasted(ready)} --image_dir PHOTOS"
        )
    return FAILED if failures else 0


command = command_of(
    "fetch",
    FetchFlags,
    run,
    "Download and convert backbones now, also for machines without an Internet connection.",
    (
        "retrainer fetch mobilenet_1.0_224",
        "retrainer fetch mobilenet_1.0_224 --to carry",
    ),
)
command.params.append(click.Argument(["names"], nargs=-1, metavar="NAME...", shell_complete=backbones))
