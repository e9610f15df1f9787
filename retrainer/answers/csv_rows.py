"""CSV by RFC 4180 in UTF-8, except that lines end with a newline alone: a heading, and a line for each row."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from retrainer.answers.table import FLAG, TEXT, Table
from retrainer.answers.texts import for_spreadsheet, stored


def write(table: Table, out: BinaryIO) -> None:
    """Writes each line as soon as its row is there, in one piece. An empty cell is no text."""
    for line in lines(table):
        out.write(line)


def lines(table: Table) -> Iterator[bytes]:
    """Yields the heading and a line for each row, as the rows come."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")

    def line_of(cells: Sequence[object]) -> bytes:
        text.seek(0)
        text.truncate()
        writer.writerow(cells)
        return text.getvalue().encode("utf-8")

    yield line_of([for_spreadsheet(stored(column.name)) for column in table.columns])
    for cells in table.cells({TEXT: for_spreadsheet, FLAG: lambda flag: "true" if flag else "false"}):
        yield line_of(cells)
