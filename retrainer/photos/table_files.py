"""Files of tables: CSV, JSON lines and Parquet -> rows of cells."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retrainer.errors import DatasetError
from retrainer.options.in_memory import PicturesInMemory, TableInMemory
from retrainer.text import reason_of, shown

Cells = tuple[Any, ...]
"""The cells of some columns of a row, in the order in which the columns were asked for; None for no cell."""


@dataclass(frozen=True)
class TableFile:
    """A table that is open.

    Attributes:
        path: Where it is, or what it is called in messages.
        columns: The names of its columns, as they stand there.
        rows: Returns the number of each row and its cells, given the numbers of columns; it can be called once. As in a
            spreadsheet, the heading of CSV is row 1. Other tables have rows from 1 on.
    """

    path: str
    columns: Sequence[str]
    rows: Callable[[Sequence[int]], Iterator[tuple[int, Cells]]]

    @property
    def folder(self) -> str:
        """The folder that paths in the table are relative to; empty for the working folder."""
        return "" if isinstance(self.path, TableInMemory) else os.path.dirname(self.path)

    @property
    def place_of_labels(self) -> str:
        """Where the labels stand, for messages."""
        return "among the labels" if isinstance(self.path, PicturesInMemory) else "in the column 'label'"

    def place(self, row: int) -> str:
        """What messages call a row; pictures are numbered from 0."""
        return f"picture {row - 1}" if isinstance(self.path, PicturesInMemory) else f"row {row:,}"


# A line of a table in text may have as many characters.
_LONGEST = 2**20
_DELIMITERS = ",;\t"
_AT_ONCE = 4096


def is_table(path: str) -> bool:
    """Whether a path is a table in memory, or has the ending of a table's name."""
    return isinstance(path, TableInMemory) or (os.path.splitext(path)[1].lower() in READERS and not os.path.isdir(path))


def open_table(path: str) -> TableFile:
    """Opens a table in memory, or a file by the ending of its name.

    Raises:
        DatasetError: it cannot be read, or it has no columns.
    """
    if isinstance(path, PicturesInMemory):
        from retrainer.photos.pictures_with_labels import rows_of_pictures  # it needs Pillow

        return TableFile(path, path.columns, lambda _: rows_of_pictures(path))
    if isinstance(path, TableInMemory):
        return _in_memory(path)
    return READERS[os.path.splitext(path)[1].lower()](path)


def table_error(table: TableFile | str, problem: str, row: int = 0, fix: str = "") -> DatasetError:
    """The error of a table, or of one of its rows."""
    path = table if isinstance(table, str) else table.path
    place = f"row {row:,}" if isinstance(table, str) else table.place(row)
    where = f"'{shown(path)}'{f', {place}' if row else ''}"
    return DatasetError(f"{where}: {problem}.", fix, path=None if isinstance(path, TableInMemory) else path)


def damaged(path: str, error: Exception, row: int = 0) -> DatasetError:
    """The error of a table that cannot be read, or not from a row on."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else reason_of(error)
    return table_error(path, f"the table cannot be read: {reason.rstrip('.')}", row)


def lines_of(path: str) -> Iterator[str]:
    """The lines of a text in UTF-8 or UTF-16; bytes that are no UTF-8 are kept as Python keeps those of paths."""
    try:
        with open(path, "rb") as file:
            utf16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
        encoding, errors = ("utf-16", "strict") if utf16 else ("utf-8-sig", "surrogateescape")
        with open(path, encoding=encoding, errors=errors, newline="") as text:
            while line := text.readline(_LONGEST + 1):
                if len(line) > _LONGEST:
                    raise table_error(path, f"expected lines of at most {_LONGEST:,} characters, received a longer one")
                yield line
    except (OSError, UnicodeError) as error:
        raise damaged(path, error) from error


def csv_rows(path: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The columns of a file of CSV, and its other rows with their numbers, as `csv_rows_of` gives them."""
    return csv_rows_of(path, lines_of(path))


def csv_rows_of(path: str, lines: Iterator[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The columns of CSV, and its other rows with their numbers; the heading is row 1.

    Cells end with commas, semicolons or tabs, whichever the first line has most of.

    Args:
        path: The file, for messages.
        lines: Its lines.
    """
    import csv
    from itertools import chain

    first = next(lines, "")
    reader = csv.reader(chain([first], lines), delimiter=max(_DELIMITERS, key=first.count), strict=True)

    def numbered() -> Iterator[tuple[int, list[str]]]:
        number = 0
        try:
            for number, row in enumerate(reader, start=1):
                yield number, row
        except csv.Error as error:
            raise damaged(path, error, number + 1) from error

    following = numbered()
    _, columns = next(following, (0, []))
    if not any(columns):
        raise no_columns(path)
    return columns, following


def _csv(path: str) -> TableFile:
    columns, following = csv_rows(path)

    def rows(wanted: Sequence[int]) -> Iterator[tuple[int, Cells]]:
        for number, row in following:
            if len(row) > len(columns) and any(row[len(columns) :]):
                problem = f"expected {len(columns)} cells, one for each column, received {len(row)}"
                raise table_error(path, problem, number, "Put cells that hold a comma into double quotes.")
            if any(cell.strip() for cell in row):
                yield number, tuple(row[column] if column < len(row) else None for column in wanted)

    return TableFile(path, columns, rows)


def _json_lines(path: str) -> TableFile:
    """A JSON object on each line; the first one has the names of the columns, others may have more."""
    import json

    def objects() -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(lines_of(path), start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise table_error(path, f"expected an object of JSON: {reason_of(error)}", number) from error
                if not isinstance(row, dict):
                    raise table_error(path, f"expected an object of JSON, received {type(row).__name__}", number)
                yield number, row

    everything = list(objects())
    columns = list(dict.fromkeys(name for _, row in everything for name in row))
    if not columns:
        raise no_columns(path)

    def rows(wanted: Sequence[int]) -> Iterator[tuple[int, Cells]]:
        for number, row in everything:
            yield number, tuple(row.get(columns[column]) for column in wanted)

    return TableFile(path, columns, rows)


def _parquet(path: str) -> TableFile:
    import pyarrow
    from pyarrow import parquet

    problems = (pyarrow.ArrowException, OSError, ValueError)
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
    except problems as error:
        raise damaged(path, error) from error
    if not names:
        raise no_columns(path)

    def rows(wanted: Sequence[int]) -> Iterator[tuple[int, Cells]]:
        before = 0
        try:
            for batch in file.iter_batches(_AT_ONCE, columns=[names[column] for column in wanted]):
                columns = [batch.column(names[column]).to_pylist() for column in wanted]
                yield from enumerate(zip(*columns, strict=True), start=before + 1)
                before += batch.num_rows
        except problems as error:
            raise damaged(path, error, before + 1) from error

    return TableFile(path, names, rows)


def _in_memory(table: TableInMemory) -> TableFile:
    def rows(wanted: Sequence[int]) -> Iterator[tuple[int, Cells]]:
        try:
            columns = [table.cells(column) for column in wanted]
        except Exception as error:  # any class may have columns
            problem = f"expected columns that can be read as lists: {reason_of(error)}"
            raise table_error(table, problem, fix="Give a table of pandas, pyarrow or polars.") from error
        return enumerate(zip(*columns, strict=True), start=1)

    return TableFile(table, table.columns, rows)


def no_columns(path: str) -> DatasetError:
    """The error of a table without columns."""
    return table_error(path, "expected a table with the names of columns first; it is empty")


READERS: dict[str, Callable[[str], TableFile]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
"""What opens a table, by the ending of its name."""
