"""Where answers go: a file or standard output, as a stream of whole rows or not before all is there."""

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from retrainer.answers.formats import FORMATS
from retrainer.errors import OptionError, OutputError
from retrainer.system.files import DISK_FULL, require_writable, whole_file
from retrainer.system.portable import opened
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.answers.table import Table

# Bytes of a document for standard output that wait in memory; more wait in a temporary file.
_IN_MEMORY = 2**22


def require_output(name: str, path: str) -> None:
    """Checks, before long work, that a format can be written; see `write_answers`.

    Raises:
        OptionError: a terminal would get bytes that are no text.
        OutputError: the file cannot be written.
    """
    if path:
        require_writable(path)
    elif name in FORMATS and not FORMATS[name].is_text and sys.stdout.isatty():
        raise OptionError(
            f"--format {name}: expected a file or a pipe, received a terminal.",
            f"Name a file: --output answers{FORMATS[name].suffixes[0]}",
        )


def write_answers(table: "Table", name: str, path: str) -> None:
    """Writes a table in one of `FORMATS`.

    A format that streams writes each row as soon as it is there. If it cannot write all rows, the whole ones stay.
    Any other format writes a file that is whole or absent, and to standard output all or nothing.

    Args:
        table: The rows.
        name: The name of the format.
        path: The file; empty for standard output.

    Raises:
        OutputError: the file cannot be written.
        OSError: standard output cannot be written.
    """
    form = FORMATS[name]
    if form.streams:
        with row_stream(path) as stream:
            form.write(table, cast(BinaryIO, stream))
    elif path:
        with whole_file(path) as handle:
            form.write(table, handle)
    else:
        import tempfile  # takes a millisecond, and few answers need it

        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as waiting:
            form.write(table, cast(BinaryIO, waiting))
            waiting.seek(0)
            with row_stream("") as stream:
                shutil.copyfileobj(waiting, cast(BinaryIO, stream))


class RowStream:
    """Writes rows without a buffer. What was written of a row that does not fit a file is removed.

    Args:
        descriptor: Of a file, a pipe or a terminal.
        target: The file; None for standard output.
    """

    def __init__(self, descriptor: int, target: Path | None = None) -> None:
        self._descriptor, self._target = descriptor, target

    def write(self, row: bytes) -> int:
        """Writes one row, or several, in one piece.

        Raises:
            OutputError: not all of it can be written to the file.
            OSError: not all of it can be written to standard output.
        """
        rest = row
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            if self._target:
                raise _output_error(self._target, error) from error
            raise
        finally:
            if rest:
                self._take_back(len(row) - len(rest))
        return len(row)

    def _take_back(self, size: int) -> None:
        """Removes the last bytes of a file."""
        with contextlib.suppress(OSError):
            status, end = os.fstat(self._descriptor), os.lseek(self._descriptor, 0, os.SEEK_CUR)
            if size and stat.S_ISREG(status.st_mode) and status.st_size == end:
                os.ftruncate(self._descriptor, end - size)


@contextlib.contextmanager
def row_stream(path: str) -> Iterator[RowStream]:
    """Opens a stream of rows to a file, which begins anew, or to standard output if the path is empty.

    Raises:
        OutputError: the file cannot be opened, or a row cannot be written to it.
        OSError: a row cannot be written to standard output.
    """
    if not path:
        sys.stdout.flush()
        yield RowStream(sys.stdout.fileno())
        return
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = opened(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    except OSError as error:
        raise _output_error(target, error) from error
    try:
        yield RowStream(descriptor, target)
    finally:
        os.close(descriptor)


def _output_error(target: Path, error: OSError) -> OutputError:
    fix = "Free some space, or name another place." if error.errno in DISK_FULL else "Name another place."
    return OutputError(
        f"Cannot write '{shown(target)}': {error.strerror or error}.", f"{fix} Rows so far are whole.", path=target
    )
