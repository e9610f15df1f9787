"""`retrainer unsort`."""

from dataclasses import dataclass

import click

from retrainer.cli.candidates import files
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.options.groups import Options
from retrainer.options.paths import require_path
from retrainer.system.paths import expanded
from retrainer.system.terminal import say

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class UnsortOptions(Options):
    """The command has no flags."""


def run(_: UnsortOptions, sorted_list: str | None) -> int:
    """Takes a sorting back, and prints what was done; returns the exit code."""
    from retrainer.sorting.record import COPY, LINK, MOVE, WRITE
    from retrainer.sorting.undo import undo

    if sorted_list is None:
        raise OptionError("DIR is missing: expected the folder that photos were sorted into, or its sorted.csv.")
    path = expanded(sorted_list)
    require_path("DIR", path, "")
    done = undo(path, lambda line: say(line, err=True))
    counts = done.counts
    back, copies, links = counts[MOVE], counts[COPY] + counts[WRITE], counts[LINK]
    lines = [f"Moved back {_counted(back, 'photo', 'photos')}."] if back else []
    lines += [f"Removed {_counted(copies, 'copy', 'copies')}."] if copies else []
    lines += [f"Removed {_counted(links, 'link', 'links')}."] if links else []
    say("\n".join(lines) or "Nothing was taken back.")
    if done.left:
        say(f"Left {_counted(done.left, 'photo', 'photos')} in place; the list still names them.", err=True)
    if done.bad_lines:
        say(f"Lines of the list that are no whole rows: {done.bad_lines:,}.", err=True)
    return FAILED if done.left or done.bad_lines else 0


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


command = command_of(
    "unsort",
    UnsortOptions,
    run,
    "Undo `label --sort_into DIR`: move photos back, and remove copies and links. Photos that have changed since stay.",
    ("retrainer unsort sorted", "retrainer unsort sorted/sorted.csv"),
)
command.params.append(click.Argument(["sorted_list"], metavar="DIR", required=False, shell_complete=files))
