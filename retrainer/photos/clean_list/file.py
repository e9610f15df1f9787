"""Reads and writes the list of decisions, CSV: see models/FORMATS.md."""

import csv
import io
import os
import stat
from collections.abc import Iterable, Sequence

from retrainer.answers.texts import original
from retrainer.errors import OptionError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.columns import COLUMNS, cells_of, heading_of, row_of
from retrainer.photos.clean_list.finding import Row
from retrainer.photos.table_files import csv_rows_of, table_error
from retrainer.system.files import open_regular, write_whole
from retrainer.text import named, shown

MOST_BYTES = 2**28
"""A list is refused if it is larger; that of a million photos is not."""

_NEEDED, _ONE_OF = "action", ("path", "sha256")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NAMED = 8
_UTF8 = "Save it as CSV in UTF-8."
_UPDATE = "Correct the row; if a newer version of retrainer made the list, update retrainer."


def read_clean_list(path: str | os.PathLike[str]) -> CleanList:
    """Reads a list that `retrainer clean`, a spreadsheet or a script wrote.

    Raises:
        OptionError: it is absent, a folder, or cannot be read.
        DatasetError: it is no such list, or a row is wrong.
    """
    name = os.fspath(path)
    return parsed(content_of_list(name), name)


def write_clean_list(path: str | os.PathLike[str], clean_list: CleanList) -> None:
    """Writes a list; an older one stays until the new one is whole.

    Raises:
        OutputError: it cannot be written.
    """
    write_whole(path, b"".join(encoded(clean_list.rows, clean_list.extra_columns)))


def content_of_list(path: str) -> bytes:
    """The bytes of a list.

    Raises:
        OptionError: it is absent, a folder, or cannot be read.
        DatasetError: it is too large.
    """
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise OptionError(
                f"'{shown(path)}': expected a list of decisions, a CSV file; received a folder.", path=path
            )
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                most = f"{MOST_BYTES // 2**20} MiB"
                raise table_error(path, f"expected a list of at most {most}, received {size // 2**20:,} MiB")
            return file.read(MOST_BYTES)
    except FileNotFoundError as error:
        raise OptionError(
            f"'{shown(path)}': expected a list of decisions, a CSV file; it does not exist.",
            "Make one with `retrainer clean`.",
            path=path,
        ) from error
    except OSError as error:
        raise OptionError(f"'{shown(path)}' cannot be read: {error.strerror or error}.", path=path) from error


def parsed(content: bytes, path: str) -> CleanList:
    """The list in some bytes.

    Raises:
        DatasetError: it is no such list, or a row is wrong.
    """
    columns, following = csv_rows_of(path, io.StringIO(_text(content, path), newline=""))
    names = [column.strip().casefold() for column in columns]
    _require_columns(path, names)
    # An absent column is the empty cell behind all others.
    known = [names.index(name) if name in names else len(names) for name in COLUMNS]
    extra = [place for place, name in enumerate(names) if name and name not in COLUMNS]
    rows = []
    for number, cells in following:
        if not any(cell.strip() for cell in cells):
            continue
        filled = [*cells, *[""] * (len(columns) + 1 - len(cells))]
        try:
            if any(filled[len(columns) :]):
                raise ValueError(f"expected {len(columns)} cells, one for each column, received {len(cells)}")
            rows.append(row_of([filled[place] for place in known], [filled[place] for place in extra]))
        except ValueError as error:
            raise table_error(path, str(error), number, _UPDATE) from error
    return CleanList(tuple(rows), path, tuple(original(columns[place].strip()) for place in extra))


def encoded(rows: Iterable[Row], extra_columns: Sequence[str] = ()) -> list[bytes]:
    """The heading and a line for each row."""
    return [*lines_of([heading_of(extra_columns)]), *lines_of(map(cells_of, rows))]


def lines_of(rows: Iterable[Sequence[str]]) -> list[bytes]:
    """A line for each row of cells; no cell holds a line end."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8").splitlines(keepends=True)


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise table_error(path, "expected text in UTF-8, received other bytes", row, _UTF8) from error


def _require_columns(path: str, names: Sequence[str]) -> None:
    """Raises DatasetError unless the columns are those of a list."""
    if _NEEDED not in names or not set(_ONE_OF) & set(names):
        expected = "expected a list of decisions, with the columns action and path or sha256"
        received = named([name for name in names if name], _NAMED)
        problem = f"{expected}; received the columns {received}"
        raise table_error(path, problem, fix="`retrainer clean` makes such a list.")
    for name in COLUMNS:
        if names.count(name) > 1:
            raise table_error(path, f"expected each column once, received '{name}' twice")
