"""The rows of a table of photos, checked: each has a path and a label, and perhaps a part and a group."""

import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retrainer.answers.texts import original
from retrainer.events import Noted, Observer
from retrainer.photos.parts import DRAWN, NAMES, part_of
from retrainer.photos.table_files import TableFile, table_error
from retrainer.text import shown

_NEEDED, _OPTIONAL = ("path", "label"), ("split", "group")
_NAMED, _LONGEST = 20, 1000
_EMPTY_TYPES = ("NAType", "NaTType", "NoneType")
_FIX = "Name the columns path and label, and perhaps split and group."


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: Its number, for messages.
        path: The path as it stands there.
        label: The class.
        part: The given part, or `DRAWN`.
        group: The name of its group; empty if it has none.
    """

    number: int
    path: str
    label: str
    part: int = DRAWN
    group: str = ""

    def differs_from(self, other: "Row") -> str:
        """Returns the column in which two rows of one file differ; empty if they agree."""
        label, split, group = (self.label, other.label), (self.part, other.part), (self.group, other.group)
        pairs = {"label": label, "split": split, "group": group}
        return next((name for name, (one, two) in pairs.items() if one != two), "")


def rows_of(table: TableFile) -> Iterator[Row]:
    """The rows of a table, in its order. Labels that differ only in case or spaces are spelt as the first of them.

    Raises:
        DatasetError: a column or a cell is missing or wrong.
    """
    columns = _columns_of(table)
    spelt: dict[str, str] = {}
    number = 0
    for number, cells in table.rows(list(columns.values())):
        texts = dict.fromkeys((*_NEEDED, *_OPTIONAL), "")
        for name, cell in zip(columns, cells, strict=True):
            texts[name] = _text(table, number, name, cell)
        for name in _NEEDED:
            if not texts[name].strip():
                raise table_error(table, f"expected a {name}, received an empty cell", number)
        label = _label(table, number, texts["label"])
        part = part_of(texts["split"]) if texts["split"].strip() else DRAWN
        if part is None:
            one_of = ", ".join(NAMES)
            problem = f"expected one of {one_of} or nothing in the column 'split', received '{shown(texts['split'])}'"
            raise table_error(table, problem, number)
        yield Row(number, texts["path"], spelt.setdefault(label.casefold(), label), part, texts["group"].strip())
    if not number:
        raise table_error(table, "expected a row for each photo, received none")


def without_repetitions(table: TableFile, rows: Iterable[Row], observer: Observer) -> list[Row]:
    """The first row of each file; reports how many others there are.

    Raises:
        DatasetError: two rows of a file differ.
    """
    first: dict[str, Row] = {}
    again = 0
    for row in rows:
        known = first.setdefault(os.path.normpath(os.path.join(table.folder, row.path)), row)
        if known is not row:
            again += 1
            if column := row.differs_from(known):
                problem = f"'{shown(row.path)}' is listed in row {known.number:,}, too, with another {column}"
                raise table_error(table, problem, row.number, "Keep one of the two rows.")
    if again:
        observer(Noted(f"{again:,} {'row lists' if again == 1 else 'rows list'} a file again; each file is read once"))
    return list(first.values())


def _columns_of(table: TableFile) -> Mapping[str, int]:
    """The numbers of the columns, by their names here; names are compared without regard to case and spaces.

    Raises:
        DatasetError: a column is missing, or there are two of a name.
    """
    plain = [name.strip().casefold() for name in table.columns]
    found = {name: plain.index(name) for name in (*_NEEDED, *_OPTIONAL) if name in plain}
    named = ", ".join(f"'{shown(name)}'" for name in table.columns[:_NAMED])
    more = f" and {len(table.columns) - _NAMED:,} more" if len(table.columns) > _NAMED else ""
    for name in _NEEDED:
        if name not in found:
            raise table_error(table, f"expected columns 'path' and 'label', found {named}{more}", fix=_FIX)
    for name in found:
        if plain.count(name) > 1:
            raise table_error(table, f"expected one column '{name}', found several: {named}{more}", fix=_FIX)
    return found


def _label(table: TableFile, number: int, text: str) -> str:
    """A label in one line, without spaces around it."""
    label = unicodedata.normalize("NFC", re.sub(" +", " ", original(text)).strip())
    if not label.isprintable() or len(label) > _LONGEST:
        problem = f"expected a label of at most {_LONGEST:,} printable characters, received '{shown(label[:_NAMED])}'"
        raise table_error(table, problem, number)
    return label


def _text(table: TableFile, number: int, column: str, cell: Any) -> str:
    """A cell as text; numbers without a fraction are written without one.

    Raises:
        DatasetError: the cell holds something else.
    """
    if isinstance(cell, str | os.PathLike | bytes):
        return os.fsdecode(cell)
    if isinstance(cell, bool | int):
        return str(cell)
    if isinstance(cell, float):
        return "" if math.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    if type(cell).__name__ in _EMPTY_TYPES:
        return ""
    problem = f"expected a text in the column '{column}', received {type(cell).__name__}"
    raise table_error(table, problem, number)
