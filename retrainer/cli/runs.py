"""`retrainer runs`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.cli.flags import command as command_of
from retrainer.cli.words import wrapped
from retrainer.measuring.shares import between, percent
from retrainer.options.documents import DocumentOptions
from retrainer.options.groups import option
from retrainer.options.history import HistoryOptions
from retrainer.system.terminal import say
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.history import Run

_TIME, _PHOTOS, _NAME = 16, 6, 22
_LEGEND = """
folds, test  the photos that the accuracy was measured on: all by folds, or the
             test photos
a, b, …      only runs with the same letter can be compared: they were measured
             on the same photos in the same folds or parts
*            the most accurate of its letter; if intervals overlap, the
             difference may be chance"""


@dataclass(frozen=True, kw_only=True)
class RunsFlags(HistoryOptions, DocumentOptions):
    """The flags of the command."""

    last: int | None = option(None, "List the newest N runs only.", minimum=1)


def run(flags: RunsFlags) -> None:
    """Prints the runs, the newest last."""
    from retrainer.cli.documents.document import print_document
    from retrainer.cli.documents.lists import of_runs
    from retrainer.history import read_runs
    from retrainer.observers.console import Console
    from retrainer.reporting import Reporter

    with Console() as console:
        report = Reporter(console)
        runs = read_runs(flags.runs_file, report)
    runs = runs[-(flags.last or len(runs)) :]
    if flags.json:
        print_document("runs", of_runs(runs, flags.runs_file, report.problems))
    else:
        say(
            "\n".join([*table(runs), _LEGEND])
            if runs
            else f"No runs in '{shown(flags.runs_file)}'.\nTrain a model first: retrainer retrain PHOTOS"
        )


def table(runs: "Sequence[Run]") -> Iterator[str]:
    """The lines of the table, at most 80 characters each."""
    yield f"{'time':<{_TIME}} {'photos':>{_PHOTOS}}  {'backbone':<{_NAME}}accuracy   95 % interval"
    for one in runs:
        figures, folds = one.figures, one.record["folds"]
        time, name = f"{one.time.astimezone():%Y-%m-%d %H:%M}", shown(one.record["backbone"])
        head = f"{time} {one.record['photos']:>{_PHOTOS},}  {name:<{_NAME}}"
        if len(name) > _NAME:  # the figures get a line of their own
            yield from wrapped(f"{time} {one.record['photos']:>{_PHOTOS},}", name, _TIME + _PHOTOS + 3)
            head = " " * (_TIME + _PHOTOS + 3 + _NAME)
        if figures is None:
            yield f"{head} unknown: no test photos"
            continue
        interval = between((figures["low"], figures["high"]))
        mark = f"{'folds' if folds else 'test ':<5} {one.group}{'*' * one.is_best}"
        yield f"{head} {percent(figures['accuracy']):>7} {interval:>15} {mark}".rstrip()


command = command_of(
    "runs",
    RunsFlags,
    run,
    "List the runs so far with their figures; the newest is the last.",
    (
        "retrainer runs",
        "retrainer runs --last 5",
    ),
)
