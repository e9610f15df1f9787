"""The list of what went where, CSV as answers are; a row is there before its photo is placed: see models/FORMATS.md."""

import csv
import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from retrainer.answers.csv_rows import lines
from retrainer.answers.output import RowStream
from retrainer.answers.table import NUMBER, TEXT, Column, Table
from retrainer.answers.texts import original
from retrainer.errors import OptionError, OutputError
from retrainer.system.files import open_regular, output_error, remove_file, whole_file
from retrainer.system.portable import lock, opened, read_at
from retrainer.text import shown

COPY, WRITE, LINK, MOVE = "copy", "write", "link", "move"
"""How a photo was placed; `WRITE` is a copy of what is no file, such as a cell of a table or an address."""

COLUMNS = (
    Column("from", TEXT),
    Column("to", TEXT),
    Column("label", TEXT),
    Column("score", NUMBER),
    Column("how", TEXT),
    Column("sha256", TEXT),
)
# A path, a name and a label, each of whose bytes may be an escape, are shorter.
_LONGEST = 2**16
_MARK = b"\xef\xbb\xbf"


class Placed(NamedTuple):
    """A row of the list.

    Attributes:
        source: The absolute path of the photo, or the name of a photo that is no file.
        target: The path below the folder of the list, with `/` between its parts.
        label: None if the photo has none.
        score: That of the label.
        how: `COPY`, `WRITE`, `LINK` or `MOVE`.
        sha256: Of the photo's bytes, hexadecimal.
    """

    source: str
    target: str
    label: str | None
    score: float | None
    how: str
    sha256: str


_HEADING, *_ = lines(Table("sorted", COLUMNS, []))


class Record:
    """The list while one process adds to it or takes from it; begins with `with`.

    Args:
        path: The list.
        new: Whether it is made if it is absent.

    Raises:
        OptionError: it is absent, or another file.
        OutputError: another process uses it, or it cannot be written.
    """

    def __init__(self, path: str, *, new: bool) -> None:
        self.path = path
        require_list(path, new=new)
        try:
            self._descriptor = opened(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if new else 0))
        except OSError as error:
            raise output_error(Path(path), error) from error
        self._rows = RowStream(self._descriptor, Path(path))

    def __enter__(self) -> "Record":
        try:
            lock(self._descriptor, wait=False)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise OutputError(
                f"'{shown(self.path)}' is in use by another process.", "Wait until it is done.", path=self.path
            ) from error
        except OSError:  # a disk without locks
            pass
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not os.fstat(self._descriptor).st_size:
            remove_file(self.path)
        os.close(self._descriptor)

    def add(self, row: Placed) -> None:
        """Adds a row; if the photo is moved, it is on the disk.

        Raises:
            OutputError: it cannot be written.
        """
        _, line = lines(Table("sorted", COLUMNS, [row]))
        size = os.fstat(self._descriptor).st_size
        # A process that was killed may have left a part of a row.
        before = b"\n" if size and read_at(self._descriptor, 1, size - 1) != b"\n" else b""
        self._rows.write((before if size else _HEADING) + line)
        if row.how == MOVE:
            os.fsync(self._descriptor)

    def backwards(self) -> "Iterator[tuple[int, Placed | None]]":
        """Yields the number of each line and its row, the last one first; None if a line is no whole row."""
        places = array("Q")
        with open_regular(self.path) as file:
            for line in iter(file.readline, b""):
                places.append(file.tell() - len(line))
            for number in range(len(places), 1, -1):
                file.seek(places[number - 1])
                yield number, _row_of(file.readline(_LONGEST))

    def keep(self, numbers: set[int]) -> None:
        """Removes all rows but those of some lines, and the list itself if there are none.

        Raises:
            OutputError: it cannot be written.
        """
        if not numbers:
            remove_file(self.path)
            return
        with open_regular(self.path) as old, whole_file(self.path) as new:
            for number, line in enumerate(old, start=1):
                if number == 1 or number in numbers:
                    new.write(line)


def require_list(path: str, *, new: bool) -> None:
    """Raises OptionError unless there is a list, or nothing if it may be new."""
    if new and not os.path.lexists(path):
        return
    try:
        with open_regular(path) as file:
            first = file.readline(_LONGEST)
    except OSError as error:
        wrong = " does not exist" if isinstance(error, FileNotFoundError) else f": {error.strerror or error}"
        raise OptionError(f"'{shown(path)}'{wrong}; expected a folder that photos were sorted into.") from error
    if first.removeprefix(_MARK).rstrip(b"\r\n") != _HEADING.rstrip() and first:
        names = ", ".join(column.name for column in COLUMNS)
        raise OptionError(
            f"'{shown(path)}': expected the list of a sorting, with the columns {names}; received another file.",
            "Name another folder." if new else f"It is named {os.path.join('DIR', 'sorted.csv')}.",
        )


def _row_of(line: bytes) -> Placed | None:
    try:
        cells = [original(cell) for cell in next(csv.reader([line.decode()], strict=True), [])]
        source, target, label, score, how, sha256 = cells
        number = float(score) if score else None
        # Escapes may stand for what no name has.
        os.fsencode(source + target)
    except (ValueError, csv.Error):
        return None
    inside = target and "\0" not in source + target and not {"", ".", ".."} & set(target.split("/"))
    known = how in (COPY, WRITE) or (how in (LINK, MOVE) and os.path.isabs(source))
    if not inside or not known or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    return Placed(source, target, label or None, number, how, sha256)
