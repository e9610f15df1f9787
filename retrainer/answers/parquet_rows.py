"""Parquet: columns of UTF-8, float32 and booleans, without compression."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from retrainer.answers.table import FLAG, NUMBER, TEXT, Table
from retrainer.answers.texts import plain, stored

FORMAT = b"1"
# Rows wait as Arrow's arrays until a row group is worth its place in the footer. A batch of Python's values is smaller.
_CELLS_OF_BATCH, _BYTES_OF_GROUP = 2**15, 2**24


def write(table: Table, out: BinaryIO) -> None:
    """Writes row groups of about 16 MiB; the file can be read when all of it is there."""
    import pyarrow
    from pyarrow import parquet

    kinds = {TEXT: pyarrow.string(), NUMBER: pyarrow.float32(), FLAG: pyarrow.bool_()}
    fields = [pyarrow.field(stored(column.name), kinds[column.kind]) for column in table.columns]
    stated = {name: json.dumps(plain(value)) for name, value in table.facts.items()}
    schema = pyarrow.schema(fields, metadata={"retrainer": FORMAT, "table": table.name, **stated})
    # It keeps a dictionary of each text column otherwise, which paths fill for nothing.
    with parquet.ParquetWriter(
        out, schema, compression="NONE", use_dictionary=False, write_page_checksum=True
    ) as writer:
        for group in _groups(table, schema):
            writer.write_table(pyarrow.Table.from_batches(group, schema))


def _groups(table: Table, schema: Any) -> Iterator[list[Any]]:
    """Lists of record batches, each list about as large as a row group should be."""
    import pyarrow

    rows, size = table.cells(printed=False), max(1, _CELLS_OF_BATCH // len(table.columns))
    group: list[Any] = []
    while batch := list(islice(rows, size)):
        columns = zip(*batch, strict=True)
        arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        group.append(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))
        if sum(one.nbytes for one in group) >= _BYTES_OF_GROUP:
            yield group
            group = []
    if group:
        yield group
