"""The table of formats that answers are written in, and which one a file's name asks for."""

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from retrainer.errors import OptionError
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.answers.table import Table

# The words of 2017, which a command writes itself.
WORDS = "text"


class Format(NamedTuple):
    """A format.

    Attributes:
        suffixes: Endings of names of its files, lower case.
        write: Writes a table to a stream. If the format streams, it writes whole rows, each as soon as it is there.
        streams: Whether the rows so far are worth keeping if the rest cannot be written.
        is_text: Whether a terminal may show it.
    """

    suffixes: tuple[str, ...]
    write: "Callable[[Table, BinaryIO], None]"
    streams: bool = False
    is_text: bool = True


def _write_csv(table: "Table", out: BinaryIO) -> None:
    from retrainer.answers.csv_rows import write

    write(table, out)


def _write_json(table: "Table", out: BinaryIO) -> None:
    from retrainer.answers.json_rows import write_document

    write_document(table, out)


def _write_json_lines(table: "Table", out: BinaryIO) -> None:
    from retrainer.answers.json_rows import write_lines

    write_lines(table, out)


def _write_parquet(table: "Table", out: BinaryIO) -> None:
    from retrainer.answers.parquet_rows import write

    write(table, out)


FORMATS = {
    "csv": Format((".csv",), _write_csv, streams=True),
    "json": Format((".json",), _write_json),
    "jsonl": Format((".jsonl", ".ndjson"), _write_json_lines, streams=True),
    "parquet": Format((".parquet",), _write_parquet, is_text=False),
}
_SUFFIXES_OF_WORDS = (".txt",)


def format_of(flag: str, path: str, given: str = "", names: Collection[str] = tuple(FORMATS)) -> str:
    """The name of the format of a file.

    Args:
        flag: The option that names the file, for messages.
        path: The file; empty if there is none.
        given: The format that the user names; empty if the file's ending decides.
        names: The formats to choose from.

    Raises:
        OptionError: the ending is that of no format and none is given, or that of another one than is given.
    """
    suffix = os.path.splitext(path)[1].lower()
    by_suffix = next((name for name in names if suffix in _suffixes(name)), "")
    if not by_suffix and not given:
        endings = ", ".join(ending for name in names for ending in _suffixes(name))
        fix = "Name the format by --format." if WORDS in names else ""
        raise OptionError(f"{flag}: expected a name that ends with one of {endings}, received '{shown(path)}'.", fix)
    if given and by_suffix not in ("", given):
        raise OptionError(
            f"--format {given} and {flag} '{shown(path)}' contradict each other: expected a name that ends with "
            f"{_suffixes(given)[0]}, received {suffix}.",
            "Leave one of them out.",
        )
    return given or by_suffix


def _suffixes(name: str) -> tuple[str, ...]:
    return _SUFFIXES_OF_WORDS if name == WORDS else FORMATS[name].suffixes
