"""`retrainer unsort`."""

from dataclasses import dataclass

import click

from retrainer.cli.flags import command as command_of
from retrainer.options.groups import Options
from retrainer.options.paths import require_path
from retrainer.system.paths import expanded
from retrainer.system.terminal import say

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class UnsortOptions(Options):
    """The command has no flags."""


def run(_: UnsortOptions, sorted_list: str) -> int:
    """Takes a sorting back, and prints what was done; returns the exit code."""
    from retrainer.sorting.record import COPY, LINK, MOVE, WRITE
    from retrainer.sorting.undo import undo

    path = expanded(sorted_list)
    require_path("LIST", path, "")
    done = undo(path, lambda line: say(line, err=True))
    copies = done.counts[COPY] + done.counts[WRITE]
    say(
        f"Moved {done.counts[MOVE]:,} photos back, removed {copies:,} copies and {done.counts[LINK]:,} links; "
        f"{done.left:,} stay."
    )
    if done.bad_lines:
        say(f"Lines of the list that are no whole rows: {done.bad_lines:,}.", err=True)
    return FAILED if done.left or done.bad_lines else 0


command = command_of(
    "unsort", UnsortOptions, run, "Undo `label --sort_into DIR`: LIST is DIR or its sorted.csv. What changed stays."
)
command.params.append(click.Argument(["sorted_list"], metavar="LIST"))
