"""Temporary files and folders: a file is written in one, and gets its name when it is whole.

Each is locked while a process uses it. The lock ends with the process, however that ends, and so tells a file in use
from one that a crash left behind. Windows locks no folders, and a file is closed there before it gets its name. So
there only what is a day old counts as left behind.
"""

import contextlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from retrainer.system.portable import lock, opened

PREFIX = ".unfinished-"
_DAY = 86_400


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
            _remove(path)


@contextlib.contextmanager
def unfinished_folder(target: Path) -> Iterator[Path]:
    """Makes a temporary folder beside `target`; whatever is in it at the end is removed.

    Raises:
        OSError: the folder cannot be made.
    """
    remove_leftovers(target.parent)
    while True:
        path = _path_beside(target)
        path.mkdir()
        try:
            with _folder_locked(path) as locked:
                if locked:
                    yield path
                    return
        finally:
            _remove(path)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files and folders in a folder that no process uses any more."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if is_unfinished(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_unless_used(folder / name)


def is_unfinished(name: str) -> bool:
    """Whether this is the name of such a temporary file or folder."""
    return name.startswith(PREFIX)


def _path_beside(target: Path) -> Path:
    return target.with_name(f"{PREFIX}{os.getpid()}-{os.urandom(3).hex()}-{target.name}")


@contextlib.contextmanager
def _descriptor_of(path: Path) -> Iterator[int]:
    descriptor = opened(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _folder_locked(path: Path) -> Iterator[bool]:
    """Locks a folder that was just made; yields False if another process took it for a leftover before."""
    if sys.platform == "win32":
        yield True
        return
    with _descriptor_of(path) as descriptor:
        yield _locked(descriptor, path)


def _locked(descriptor: int, path: Path) -> bool:
    """Locks a file or folder that was just made; returns False if another process took it for a leftover before."""
    # On a disk without locks no process takes it for one, and leftovers stay.
    with contextlib.suppress(OSError):
        lock(descriptor, wait=True)
    return _is_at(descriptor, path)


def _remove_unless_used(path: Path) -> None:
    """Raises OSError if a process uses it, or if that cannot be found out."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return
    if sys.platform == "win32":
        if time.time() - status.st_mtime > _DAY:
            _remove(path)
        return
    with _descriptor_of(path) as descriptor:
        lock(descriptor, wait=False)
        if _is_at(descriptor, path):
            _remove(path)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    """Removes a file or a folder if it is there; the next process removes it if this one cannot."""
    for remove in (Path.unlink, Path.rmdir, shutil.rmtree):
        with contextlib.suppress(OSError):
            remove(path)
            return
