"""Photos of a table: a column of paths, or of the bytes of pictures."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from retrainer.errors import OptionError
from retrainer.photos.inputs.rows import at_least_one, photo_of
from retrainer.photos.inputs.source import Request, Source
from retrainer.photos.inputs.table_files import BadRow, TableFile, open_table
from retrainer.photos.photo import Photo, unreadable
from retrainer.text import named, shown

# Names of columns of photos, without regard to capitals, spaces, hyphens and underscores.
_THINGS = ("image", "img", "photo", "picture", "file")
_USUAL = {"path", "url", "uri", "filename", "imagefile", *_THINGS}
_USUAL |= {f"{thing}{what}" for thing in _THINGS for what in ("path", "file", "filename", "name", "url", "uri")}
_NAMED = 20


def photos_of_table(path: str, request: Request) -> Source:
    """The photos of a table, in the order of its rows; a relative path is relative to the table.

    A photo that is bytes is named by the table and the number of its row, from 1: `photos.parquet#12`.

    Raises:
        OptionError: the table or the column cannot be read.
    """
    table = open_table(path)
    column = _column_of(table, request.column, f"'{shown(path)}'")
    photos = _photos(path, table.cells(column), request)
    return Source(at_least_one(photos, f"'{path}'"), table.count)


def _column_of(table: TableFile, wanted: str, name: str) -> int:
    """The number of the column that holds the photos."""
    columns = table.columns
    fitting = [
        number for number, column in enumerate(columns) if (column == wanted if wanted else _plain(column) in _USUAL)
    ]
    if len(fitting) == 1:
        column = columns[fitting[0]]
        if column in table.unfit:
            raise OptionError(
                f"--column: expected paths or bytes, received {table.unfit[column]} in '{shown(column)}' of {name}.",
                _the_fix(columns),
            )
        return fitting[0]
    if fitting:
        found = named([columns[number] for number in fitting], _NAMED)
        raise OptionError(f"--column: {name} has several columns that may hold the photos: {found}.", _the_fix(columns))
    what = f"no column '{shown(wanted)}'" if wanted else "no column with a name such as 'path', 'image' or 'file'"
    raise OptionError(f"--column: {name} has {what}; its columns are {named(columns, _NAMED)}.", _the_fix(columns))


def _the_fix(columns: Sequence[str]) -> str:
    return "Name the column of the photos: --column NAME." if len(columns) > 1 else "Give the columns names."


def _plain(column: str) -> str:
    return "".join(letter for letter in column.casefold() if letter not in " -_")


def _photos(path: str, cells: Iterator[tuple[int, Any]], request: Request) -> Iterator[str | Photo]:
    folder = os.path.dirname(path)
    for number, held in cells:
        name, cell = f"{path}#{number}", _of_pair(held)
        if isinstance(cell, bytes):
            yield _of_bytes(name, cell)
        elif isinstance(cell, str) and cell.strip():
            yield photo_of(cell, request, folder)
        elif isinstance(cell, BadRow):
            yield unreadable(name, cell.problem)
        else:
            what = "an empty cell" if cell is None or cell == "" else f"'{shown(str(cell)[:_NAMED])}'"
            yield unreadable(name, f"expected a path or the bytes of a picture, received {what}")


def _of_pair(cell: Any) -> Any:
    """Of a pair of bytes and path, as Hugging Face keeps a photo, the bytes, or the path if there are none."""
    return cell.get("bytes") or cell.get("path") if isinstance(cell, dict) else cell


def _of_bytes(name: str, content: bytes) -> Photo:
    return Photo(name, lambda: content)
