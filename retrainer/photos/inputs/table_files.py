"""Files of tables, read row by row: CSV, JSON lines and Parquet."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrainer.errors import DatasetError, OptionError
from retrainer.photos.inputs.source import FLAG
from retrainer.text import reason_of, shown


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read, and the reason; the rows behind it can."""

    problem: str


@dataclass(frozen=True)
class TableFile:
    """A file of a table that is open.

    Attributes:
        columns: The names of the columns, as they stand there.
        cells: Returns the cells of a column, by its number, one for each row; they are read as they are needed.
        count: The number of rows; None if only the end tells.
        unfit: What columns hold that are neither texts nor bytes, by their names.
    """

    columns: Sequence[str]
    cells: Callable[[int], Iterator[Any]]
    count: int | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)


# A line of a table in text may have as many characters.
_LONGEST = 2**20
_DELIMITERS = ",;\t"
# A batch of rows lies in memory at once, and a row may be a large photo.
_ROWS_OF_TEXTS, _ROWS_OF_BYTES = 4096, 16
_BUFFER_BYTES = 2**20


def open_table(path: str) -> TableFile:
    """Opens a table by the ending of its name.

    Raises:
        OptionError: it is damaged, or it has no columns.
    """
    try:
        return READERS[os.path.splitext(path)[1].lower()](path)
    except DatasetError as error:
        raise OptionError(f"{FLAG}: {error.problem}", error.fix) from error


def damaged(path: str, error: Exception, line: int = 0) -> DatasetError:
    """The error of a table that cannot be read further."""
    place = f"'{shown(path)}', line {line:,}" if line else f"'{shown(path)}'"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else reason_of(error)
    return DatasetError(f"{place}: the table cannot be read: {reason.rstrip('.')}.")


def _empty(path: str) -> DatasetError:
    return DatasetError(f"'{shown(path)}': expected a table with the names of columns on its first line; it is empty.")


def _lines(path: str) -> Iterator[str]:
    """The lines of a text in UTF-8 or UTF-16; bytes that are no UTF-8 are kept as Python keeps those of paths."""
    try:
        with open(path, "rb") as file:
            utf16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
        encoding, errors = ("utf-16", "strict") if utf16 else ("utf-8-sig", "surrogateescape")
        with open(path, encoding=encoding, errors=errors, newline="") as text:
            number = 0
            while line := text.readline(_LONGEST + 1):
                number += 1
                if len(line) > _LONGEST:
                    raise damaged(path, ValueError(f"more than {_LONGEST:,} characters"), number)
                yield line
    except (OSError, UnicodeError) as error:
        raise damaged(path, error) from error


def _csv(path: str) -> TableFile:
    """CSV with commas, semicolons or tabs, whichever the first line has most of."""
    import csv
    from itertools import chain

    lines = _lines(path)
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)

    def rows() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise damaged(path, error, reader.line_num) from error

    following = rows()
    columns = next(following, [])
    if not any(columns):
        raise _empty(path)

    def cells(column: int) -> Iterator[Any]:
        for row in following:
            if len(row) == len(columns):
                yield row[column]
            elif row:
                yield BadRow(f"expected a cell for each of {len(columns)} columns, received {len(row)}")

    return TableFile(columns, cells)


def _json_lines(path: str) -> TableFile:
    """A JSON object on each line; the first has the names of the columns."""
    import json

    def objects() -> Iterator[Any]:
        for line in _lines(path):
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield BadRow(f"expected an object of JSON: {reason_of(error)}")

    following = objects()
    first = next(following, None)
    if first is None:
        raise _empty(path)
    if not isinstance(first, dict) or not first:
        raise DatasetError(f"'{shown(path)}': expected an object of JSON on each line, received none on the first.")
    columns = list(first)

    def cells(column: int) -> Iterator[Any]:
        yield first[columns[column]]
        for row in following:
            if isinstance(row, dict):
                yield row.get(columns[column])
            else:
                yield row if isinstance(row, BadRow) else BadRow("expected an object of JSON, received another value")

    return TableFile(columns, cells)


def _parquet(path: str) -> TableFile:
    import pyarrow
    from pyarrow import parquet, types

    try:
        # It reads a page of a column after the other, not a whole group of rows, which may hold thousands of photos.
        file = parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        schema = file.schema_arrow
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise damaged(path, error) from error
    if not schema.names:
        raise _empty(path)

    def is_text(kind: Any) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

    def is_fit(kind: Any) -> bool:
        # Hugging Face keeps a photo as a pair of bytes and path.
        if types.is_struct(kind):
            return any(part.name in ("bytes", "path") for part in kind)
        return bool(is_text(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_null(kind))

    def cells(column: int) -> Iterator[Any]:
        name = schema.names[column]
        rows = _ROWS_OF_TEXTS if is_text(schema.types[column]) else _ROWS_OF_BYTES
        try:
            for batch in file.iter_batches(rows, columns=[name], use_threads=False):
                for cell in batch.column(0):
                    try:
                        yield cell.as_py()
                    except UnicodeDecodeError:
                        yield BadRow("holds a text that is no UTF-8")
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise damaged(path, error) from error

    unfit = {name: str(kind) for name, kind in zip(schema.names, schema.types, strict=True) if not is_fit(kind)}
    return TableFile(schema.names, cells, file.metadata.num_rows, unfit)


READERS: Mapping[str, Callable[[str], TableFile]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
"""What opens a table, by the ending of its name."""
