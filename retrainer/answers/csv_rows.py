"""CSV by RFC 4180 in UTF-8, except that lines end with a newline alone: a heading, and a line for each row."""

import csv
import io
from typing import BinaryIO

from retrainer.answers.table import FLAG, TEXT, Table
from retrainer.answers.texts import for_spreadsheet, stored


def write(table: Table, out: BinaryIO) -> None:
    """Writes each line as soon as its row is there, in one piece. An empty cell is no text."""
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\n")

    def put(cells: list[object]) -> None:
        writer.writerow(cells)
        out.write(line.getvalue().encode("utf-8"))
        line.seek(0)
        line.truncate()

    put([for_spreadsheet(stored(column.name)) for column in table.columns])
    for cells in table.cells(**{TEXT: for_spreadsheet, FLAG: lambda flag: "true" if flag else "false"}):
        put(cells)
