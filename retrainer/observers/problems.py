"""An observer that writes all warnings of a run, and all that it went on without, to a table."""

import os
from collections import Counter

from retrainer.errors import OutputError
from retrainer.events import Event, Missed, Observer, StageBegan, Warned
from retrainer.reporting import LEFT_OUT, MISSED, SKIPPED, WARNING, Problem, problems_of
from retrainer.system.files import require_writable, write_whole

FLAG = "--problems"
COLUMNS = ("kind", "path", "problem")
# How a summary calls one, and several, of a kind.
_WORDS = {
    SKIPPED: ("file skipped", "files skipped"),
    MISSED: ("folder not listed", "folders not listed"),
    LEFT_OUT: ("file or folder left out", "files or folders left out"),
    WARNING: ("warning", "warnings"),
}


class Problems:
    """Keeps the problems of a run, and writes them to a table when the run is over.

    Args:
        path: The table. It is written if there are problems, or if it lists those of an earlier run.

    Attributes:
        path: The table.
        rows: The problems so far.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.rows: list[Problem] = []
        self._counts: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Keeps a problem; checks the table when the long work begins."""
        match event:
            case StageBegan("bottlenecks"):
                require_writable(self.path)
            case Warned() | Missed():
                rows = list(problems_of(event))
                self.rows += rows
                self._counts[rows[0].kind] += event.count if isinstance(event, Warned) else len(rows)

    def write(self, warn: Observer) -> None:
        """Writes the table; calls `warn` with a warning if that fails."""
        if not self.rows and not os.path.exists(self.path):
            return
        from retrainer.answers.csv_rows import lines  # not every command that has problems writes this table
        from retrainer.answers.table import TEXT, Column, Table

        table = Table("problems", [Column(name, TEXT) for name in COLUMNS], self.rows)
        try:
            write_whole(self.path, b"".join(lines(table)))
        except OutputError as error:
            warn(Warned(f"{FLAG}: the problems are not listed. {error.problem}"))

    def __str__(self) -> str:
        """How many problems there are of each kind, such as `2 files skipped, 1 warning`; empty if there are none."""
        counts = ((self._counts[kind], words) for kind, words in _WORDS.items())
        return ", ".join(f"{count:,} {words[count != 1]}" for count, words in counts if count)
