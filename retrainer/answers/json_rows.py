"""JSON: one document, or a line for each row."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from retrainer.answers.table import Table
from retrainer.answers.texts import plain, stored

FORMAT = 1


def write_lines(table: Table, out: BinaryIO) -> None:
    """Writes an object a line as soon as its row is there, in one piece."""
    for line in _objects(table):
        out.write(f"{line}\n".encode())


def write_document(table: Table, out: BinaryIO) -> None:
    """Writes an object with `format`, the table's name and facts, and `rows`, a list of objects."""
    head = json.dumps(plain({"format": FORMAT, "table": table.name, **table.facts}), ensure_ascii=False)
    out.write(f'{head[:-1]}, "rows": ['.encode())
    between = "\n"
    for line in _objects(table):
        out.write(f"{between}{line}".encode())
        between = ",\n"
    out.write(b"\n]}\n")


def _objects(table: Table) -> Iterator[str]:
    """Each row as an object on one line; an empty cell is null."""
    names = [stored(column.name) for column in table.columns]
    for cells in table.cells():
        yield json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False)
