"""Appends lines to a file that several processes may write, and reads such a file line by line."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from retrainer.system.files import open_regular, output_error
from retrainer.system.portable import lock, opened


def append_line(path: str, line: bytes) -> None:
    """Appends a line to a file, which is made if it is absent.

    Processes that append at the same time wait for each other. If the line cannot be written whole, the file stays as
    it was. If the file ends in the middle of a line, as after a crash, that line is ended first.

    Raises:
        OutputError: the line cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = opened(target, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            _append(descriptor, line + b"\n")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise output_error(target, error) from error


def _append(descriptor: int, content: bytes) -> None:
    """Raises OSError if the file is no regular one, or if the content cannot be written whole."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "expected a file, received a pipe or device")
    locked = _locked(descriptor)
    size = os.fstat(descriptor).st_size
    if size:
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        content = content if os.read(descriptor, 1) == b"\n" else b"\n" + content
    try:
        _write(descriptor, content)
        os.fsync(descriptor)
    except BaseException:
        if locked:  # otherwise another process may have written behind this line
            os.ftruncate(descriptor, size)
        raise


def _locked(descriptor: int) -> bool:
    """Waits for a lock, and returns whether there is one; a disk without locks appends in one piece all the same."""
    try:
        if sys.platform == "win32":
            from filelock import lock_descriptor  # takes 14 ms, which other systems do without

            lock_descriptor(descriptor)
        else:
            lock(descriptor, wait=True)
    except OSError:
        return False
    return True


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def lines_of(path: str, most: int) -> Iterator[bytes]:
    """Yields the lines of a file without their ends, and only `most` + 1 bytes of a line that is longer.

    Raises:
        OSError: the file is absent, is no file, or may not be read.
    """
    with open_regular(path) as handle:
        while line := handle.readline(most + 1):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = handle.readline(most)
            yield line.removesuffix(b"\n")
