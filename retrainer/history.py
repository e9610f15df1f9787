"""The history of runs: a file of JSON lines, one for each run. `models/FORMATS.md` specifies it."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from retrainer.errors import OptionError
from retrainer.events import Figures, Observer, RunFinished, Warned
from retrainer.system.appending import append_line, lines_of
from retrainer.system.documents import (
    Field,
    Table,
    brief,
    digest,
    number,
    one_of,
    or_none,
    read_document,
    require,
    section,
    text,
    whole,
)
from retrainer.system.paths import require_file
from retrainer.text import reason_of, shown
from retrainer.version import VERSION

FORMAT = 1
FLAG = "--runs_file"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MOST_BYTES = 2**20
_LONGEST_COMMAND = 10_000
# At most this many lines that cannot be read are named.
_NAMED = 3


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.strptime(value, _TIME).strftime(_TIME) == value
    except ValueError:
        return False


_SHARE = number(0, 1)
FIGURES: Table = {
    "count": whole(1, 2**53),
    "accuracy": _SHARE,
    "low": _SHARE,
    "high": _SHARE,
    "mean_of_classes": _SHARE,
    "log_loss": number(0, 1e9),
}
FOLDS: Table = {"number": whole(2, 1_000), "split": digest(), **FIGURES}
TABLE: Table = {
    "format": one_of(FORMAT),
    "retrainer": text(100),
    "time": Field("a time in UTC such as 2026-11-27T10:20:31Z", _is_time),
    "command": text(_LONGEST_COMMAND, printable=False, empty=True),
    "image_dir": text(10_000, printable=False),
    "photos": whole(1, 2**53),
    "classes": whole(1, 100_000),
    "backbone": text(4_096, printable=False),
    "solver": text(100, empty=True),
    "split": digest(),
    "test": or_none(section()),
    "folds": or_none(section()),
    "model_id": digest(),
    "seconds": number(0, 1e9),
}


@dataclass(frozen=True)
class Run:
    """A run of a history.

    Attributes:
        record: The fields of its line, see `TABLE`.
        group: A letter that it shares with the runs that it can be compared with; empty if there is no other.
        is_best: Whether no other run of its group is more accurate; False without a group.
    """

    record: Mapping[str, Any]
    group: str = ""
    is_best: bool = False

    @property
    def time(self) -> datetime:
        """When the run ended, in UTC."""
        return datetime.strptime(self.record["time"], _TIME).replace(tzinfo=UTC)

    @property
    def figures(self) -> Mapping[str, Any] | None:
        """The figures to compare by: those of the folds or, without folds, of the test photos; None without both."""
        found: Mapping[str, Any] | None = self.record["folds"] or self.record["test"]
        return found

    @property
    def measured_on(self) -> str:
        """The hash of the folds or of the split that the figures belong to."""
        folds = self.record["folds"]
        return f"folds {folds['split']}" if folds else f"test {self.record['split']}"


def require_history(path: str) -> None:
    """Raises OptionError if there is another file than a history at a path; nothing is appended to such a file."""
    if not os.path.isfile(path):
        return
    try:
        first = next(lines_of(path, 1), b"")
    except OSError as error:
        raise OptionError(f"{FLAG}: '{shown(path)}' cannot be read: {error.strerror or error}.") from error
    if first[:1] not in (b"{", b""):
        raise OptionError(
            f"{FLAG}: expected a file of runs, which begins with '{{', received '{shown(path)}'.", "Name another file."
        )


def append_run(path: str, run: RunFinished, command: str) -> None:
    """Appends the line of a run to a history.

    Args:
        path: The file, which is made if it is absent.
        run: What the run reported at its end.
        command: The command line; empty if the run was started from Python.

    Raises:
        OutputError: the file cannot be written; it stays as it was.
    """
    record = {
        "format": FORMAT,
        "retrainer": VERSION,
        "time": datetime.now(UTC).strftime(_TIME),
        "command": command[:_LONGEST_COMMAND],
        "image_dir": run.image_dir,
        "photos": run.photos,
        "classes": run.classes,
        "backbone": run.backbone,
        "solver": run.solver,
        "split": run.split,
        "test": _section(run.test),
        "folds": {"number": run.fold_count, "split": run.fold_split, **(_section(run.folds) or {})}
        if run.folds
        else None,
        "model_id": run.model_id,
        "seconds": round(run.seconds, 3),
    }
    # Bytes of paths that are not UTF-8 are lone surrogates, which become escapes of JSON.
    append_line(path, json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _section(figures: Figures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    low, high = figures.interval
    return {
        "count": figures.count,
        "accuracy": figures.accuracy,
        "low": low,
        "high": high,
        "mean_of_classes": figures.mean_of_classes,
        "log_loss": figures.log_loss,
    }


def read_runs(path: str, observer: Observer) -> list[Run]:
    """Reads a history, and finds out which runs can be compared and which are the best.

    Args:
        path: The file.
        observer: Called with a warning if lines are skipped, because they are damaged or of another program.

    Returns:
        The runs in the order of the file, so that the newest is the last.

    Raises:
        OptionError: there is no such file, or it may not be read.
    """
    require_file(path, FLAG, "a file of runs", "Train a model first: retrainer retrain PHOTOS")
    runs, skipped = [], []
    for place, line in enumerate(lines_of(path, _MOST_BYTES), start=1):
        try:
            runs.append(Run(_record(line)))
        except ValueError as error:
            skipped.append((place, reason_of(error)))
    many = f"Skipped {{count}} lines of '{shown(path)}': {{names}}."
    for place, reason in skipped[:_NAMED]:
        observer(Warned(f"Skipped line {place:,} of '{shown(path)}': {reason}.", many, f"line {place:,} ({reason})"))
    if (more := len(skipped) - _NAMED) > 0:
        observer(Warned(f"Skipped {more:,} more lines of '{shown(path)}'.", many, count=more))
    return list(_compared(runs))


def _record(line: bytes) -> dict[str, Any]:
    """The fields of a line.

    Raises:
        ValueError: it is no line of a run.
    """
    try:
        record = read_document(line, _MOST_BYTES)
    except json.JSONDecodeError:
        raise ValueError("expected JSON, received other or cut text") from None
    version = record.get("format")
    if type(version) is int and version > FORMAT:
        raise ValueError(f"it has format {brief(version)}, of a later version of retrainer; expected {FORMAT}")
    require(record, TABLE)
    for name, table in (("test", FIGURES), ("folds", FOLDS)):
        if record[name] is not None:
            require(record[name], table, name)
    return record


def _compared(runs: Sequence[Run]) -> Iterator[Run]:
    """Yields the runs with their letters, and marks the best of each letter."""
    measured = [run for run in runs if run.figures]
    sizes = Counter(run.measured_on for run in measured)
    letters = dict(zip((key for key, size in sizes.items() if size > 1), _letters(), strict=False))
    best: dict[str, float] = {}
    for run in measured:
        best[run.measured_on] = max(best.get(run.measured_on, 0.0), _accuracy(run))
    for run in runs:
        letter = letters.get(run.measured_on, "") if run.figures else ""
        yield Run(run.record, letter, bool(letter) and _accuracy(run) == best[run.measured_on])


def _accuracy(run: Run) -> float:
    return float(run.figures["accuracy"]) if run.figures else 0.0


def _letters() -> Iterable[str]:
    """The names of groups: a, b, …, z, a1, b1, …."""
    return (chr(ord("a") + one % 26) + (str(one // 26) if one >= 26 else "") for one in count())
