"""The rows of a table of photos, checked: each has a path and a label, and perhaps a part and a group."""

import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from retrainer.answers.texts import original
from retrainer.events import Noted, Observer
from retrainer.photos.parts import DRAWN, NAMES, part_of
from retrainer.photos.photo import PictureName
from retrainer.photos.table_files import TableFile, table_error
from retrainer.text import shown

_NEEDED, _OPTIONAL = ("path", "label"), ("split", "group")
_NAMED, _NAMED_UNUSED, _LONGEST = 20, 3, 1000
_EMPTY_TYPES = ("NAType", "NaTType", "NoneType")
_FIX = "Name the columns path and label, and perhaps split and group."
# Texts that programs write for a missing value, in lower case. Only of the first ones no class or group has the name.
_NOTHING = ("", "nan", "nat", "<na>", "null", "#n/a")
_NONE = (*_NOTHING, "none", "n/a")
# Systems allow paths of 4,096 bytes, and Windows of 32,767 letters.
# Bytes that are no UTF-8, as Python keeps them.
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_SHOWN, _LONGEST_PATH = 100, 2**17


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


def rows_of(table: TableFile, observer: Observer) -> Iterator[Row]:
    """The rows of a table, in its order. Labels that differ only in case or spaces are spelt as the first of them.

    Args:
        table: The table.
        observer: Called with the columns that are not used, and with labels that differ only in case.

    Raises:
        DatasetError: a column or a cell is missing or wrong.
    """
    columns = _columns_of(table)
    _note_unused(table, columns.values(), observer)
    spelt: dict[str, str] = {}
    alike: dict[str, str] = {}
    number = 0
    for number, cells in table.rows(list(columns.values())):
        texts = dict.fromkeys((*_NEEDED, *_OPTIONAL), "")
        for name, cell in zip(columns, cells, strict=True):
            texts[name] = _text(table, number, name, cell)
        for name in _NEEDED:
            if not texts[name].strip():
                problem = f"expected a {name}, received an empty cell"
                raise table_error(table, problem, number, "Fill it in, or delete the row.")
        label = _label(table, number, texts["label"])
        first = spelt.setdefault(label.casefold(), label)
        if label != first:
            alike[label] = first
        part = DRAWN if _is_nothing(texts["split"]) else part_of(texts["split"])
        if part is None:
            one_of = ", ".join(NAMES)
            problem = f"expected one of {one_of} or nothing in the column 'split', received '{shown(texts['split'])}'"
            raise table_error(table, problem, number)
        group = "" if _is_nothing(texts["group"]) else texts["group"].strip()
        yield Row(number, texts["path"], first, part, group)
    if not number:
        raise table_error(table, "expected a row for each photo, received none")
    for label, first in list(alike.items())[:1]:
        observer(Noted(f"Labels that differ only in case are one class, such as '{shown(first)}' and '{shown(label)}'"))


def is_perhaps_nothing(label: str) -> bool:
    """Whether a label is a text that programs write for a missing value."""
    return label.casefold() in _NOTHING


def _is_nothing(text: str) -> bool:
    """Whether a part or a group is missing."""
    return text.strip().casefold() in _NONE


def _note_unused(table: TableFile, used: Iterable[int], observer: Observer) -> None:
    """Says which columns are not used; one of them may be a split or a group under another name."""
    unused = [name for number, name in enumerate(table.columns) if number not in used and name.strip()]
    if unused:
        named = ", ".join(f"'{shown(name[:_SHOWN])}'" for name in unused[:_NAMED_UNUSED])
        more = f" and {len(unused) - _NAMED_UNUSED:,} more" if len(unused) > _NAMED_UNUSED else ""
        observer(Noted(f"Columns other than path, label, split and group are not used: {named}{more}"))


def without_repetitions(table: TableFile, rows: Sequence[Row], observer: Observer) -> list[int]:
    """The numbers of the first row of each file, from 0; reports how many others there are.

    Raises:
        DatasetError: two rows of a file differ.
    """
    first: dict[str, int] = {}
    again = 0
    folder = os.path.abspath(table.folder)
    for number, row in enumerate(rows):
        if isinstance(row.path, PictureName):
            first[row.path] = number
            continue
        known = rows[first.setdefault(os.path.normpath(os.path.join(folder, row.path)), number)]
        if known is not row:
            again += 1
            if column := row.differs_from(known):
                problem = f"'{shown(row.path)}' is listed in {table.place(known.number)}, too, with another {column}"
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
    named = ", ".join(f"'{shown(name[:_SHOWN])}'" for name in table.columns[:_NAMED])
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
        raise table_error(table, problem, number, "Save the table as UTF-8." if _NO_UTF8.search(label) else "")
    return label


def _text(table: TableFile, number: int, column: str, cell: Any) -> str:
    """A cell as text; numbers without a fraction are written without one.

    Raises:
        DatasetError: the cell holds something else.
    """
    if isinstance(cell, bytes) and (len(cell) > _LONGEST_PATH or b"\0" in cell):
        raise table_error(table, f"expected a text in the column '{column}', received the bytes of a file", number)
    if isinstance(cell, str | os.PathLike | bytes):
        return os.fsdecode(cell)
    if isinstance(cell, bool | int):
        return str(cell)
    if isinstance(cell, float):
        return "" if math.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    if type(cell).__name__ in _EMPTY_TYPES:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    problem = f"expected a text in the column '{column}', received {type(cell).__name__}"
    raise table_error(table, problem, number)
