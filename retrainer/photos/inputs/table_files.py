"""Tables whose rows are read one by one: CSV, JSON lines and Parquet; a bad row does not end them.

`photos.table_files` reads the tables that a model learns from, which must be right as a whole.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrainer.errors import DatasetError, OptionError
from retrainer.photos.inputs.source import FLAG
from retrainer.photos.table_files import csv_rows, damaged, lines_of, no_columns
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
        cells: Returns the number of each row and its cell of a column, given the column's number; they are read as they
            are needed. Rows are numbered as by `photos.table_files`.
        count: The number of rows; None if only the end tells.
        unfit: What columns hold that are neither texts nor bytes, by their names.
    """

    columns: Sequence[str]
    cells: Callable[[int], Iterator[tuple[int, Any]]]
    count: int | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)


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


def _csv(path: str) -> TableFile:
    columns, following = csv_rows(path)

    def cells(column: int) -> Iterator[tuple[int, Any]]:
        for number, row in following:
            if len(row) == len(columns):
                yield number, row[column]
            elif row:
                yield number, BadRow(f"expected a cell for each of {len(columns)} columns, received {len(row)}")

    return TableFile(columns, cells)


def _json_lines(path: str) -> TableFile:
    """A JSON object on each line; the first has the names of the columns."""
    import json
    from itertools import chain

    def objects() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(lines_of(path), start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield number, BadRow(f"expected an object of JSON: {reason_of(error)}")

    following = objects()
    first_number, first = next(following, (0, None))
    if not first_number:
        raise no_columns(path)
    if not isinstance(first, dict) or not first:
        raise DatasetError(f"'{shown(path)}': expected an object of JSON on each line, received none on the first.")
    columns = list(first)

    def cells(column: int) -> Iterator[tuple[int, Any]]:
        for number, row in chain([(first_number, first)], following):
            if isinstance(row, dict):
                yield number, row.get(columns[column])
            else:
                bad = row if isinstance(row, BadRow) else BadRow("expected an object of JSON, received another value")
                yield number, bad

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
        raise no_columns(path)

    def is_text(kind: Any) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

    bytes_kinds = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)

    def is_fit(kind: Any) -> bool:
        # Hugging Face keeps a photo as a pair of bytes and path.
        if types.is_struct(kind):
            return any(part.name in ("bytes", "path") for part in kind)
        return bool(is_text(kind) or any(is_bytes(kind) for is_bytes in bytes_kinds) or types.is_null(kind))

    def cells(column: int) -> Iterator[tuple[int, Any]]:
        name, number = schema.names[column], 0
        rows = _ROWS_OF_TEXTS if is_text(schema.types[column]) else _ROWS_OF_BYTES
        try:
            for batch in file.iter_batches(rows, columns=[name], use_threads=False):
                for number, cell in enumerate(batch.column(0), start=number + 1):  # noqa: B020
                    try:
                        yield number, cell.as_py()
                    except UnicodeDecodeError:
                        yield number, BadRow("holds a text that is no UTF-8")
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise damaged(path, error, number + 1) from error

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
