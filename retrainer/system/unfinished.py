"""Temporary files and folders, from which what is written comes whole.

Each is locked while a process uses it. The lock ends with the process, however that ends, and so tells a file in use
from one that a crash left.
"""

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PREFIX = ".unfinished-"


@contextlib.contextmanager
def unfinished_file(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Opens a temporary file beside `target` for writing; it is removed at the end unless it was renamed.

    Yields:
        The open file and its path.

    Raises:
        OSError: the file cannot be made.
    """
    remove_leftovers(target.parent)
    while True:
        path = _path_beside(target)
        handle = path.open("xb")
        try:
            with handle:
                if _locked(handle.fileno(), path):
                    yield handle, path
                    return
        finally:
            _removed(path)


@contextlib.contextmanager
def unfinished_folder(target: Path) -> Iterator[Path]:
    """Makes a temporary folder beside `target`; what is left of it is removed at the end.

    Raises:
        OSError: the folder cannot be made.
    """
    remove_leftovers(target.parent)
    while True:
        path = _path_beside(target)
        path.mkdir()
        try:
            with _opened(path) as descriptor:
                if _locked(descriptor, path):
                    yield path
                    return
        finally:
            _removed(path)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files and folders in a folder that no process uses any more."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if is_unfinished(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_unless_used(folder / name)


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is a temporary one of ours."""
    return name.startswith(PREFIX)


def _path_beside(target: Path) -> Path:
    return target.with_name(f"{PREFIX}{os.getpid()}-{os.urandom(3).hex()}-{target.name}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, path: Path) -> bool:
    """Locks a file that was just made; False if another process took it for a leftover before."""
    # On a disk without locks nobody can take it for one, and leftovers stay.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _is_at(descriptor, path)


def _remove_unless_used(path: Path) -> None:
    """Raises OSError if a process uses it, or if that cannot be told."""
    kind = path.lstat().st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        return
    with _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(descriptor, path):
            _removed(path)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _removed(path: Path) -> None:
    """Removes a file or a folder if it is there; what cannot be removed now the next process removes."""
    for remove in (Path.unlink, Path.rmdir, shutil.rmtree):
        with contextlib.suppress(OSError):
            remove(path)
            return
