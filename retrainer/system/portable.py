"""Hides the differences between Linux, macOS and Windows in files and memory.

`tests/system/test_windows.py` imitates Windows on Linux, and `mypy --platform win32` checks the code.
"""

import os
import stat
import sys
import threading
from pathlib import Path
from typing import BinaryIO

# Opening a pipe does not wait for another process, and Windows reads bytes as they are.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Windows reads where the file's position is.
_SEEKING = threading.Lock()


def opened(path: str | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """Opens a file, which is created if `flags` say so, and returns its descriptor; does not wait for a pipe.

    Raises:
        OSError: it cannot be opened.
    """
    return os.open(path, flags | _FLAGS, 0o666)


def read_at(descriptor: int, count: int, offset: int) -> bytes:
    """Reads at most `count` bytes at an offset; several threads and processes may read one file at the same time.

    Raises:
        OSError: they cannot be read.
    """
    if sys.platform != "win32":
        return os.pread(descriptor, count, offset)
    with _SEEKING:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)


def is_below_a_file(error: OSError) -> bool:
    """Whether a path could not be opened because a part of it is a file; on Windows it may just be missing."""
    return isinstance(error, NotADirectoryError) or (sys.platform == "win32" and isinstance(error, FileNotFoundError))


def lock(descriptor: int, *, wait: bool) -> None:
    """Locks a file or folder until it is closed, however its process ends; does nothing on Windows.

    Args:
        descriptor: That of the file or folder.
        wait: Whether to wait while another process holds the lock.

    Raises:
        OSError: another process holds the lock, or the disk has no locks.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def share_lock(descriptor: int) -> None:
    """Shares the lock of a file with other processes until it is closed; does nothing on Windows.

    Waits while a process holds the lock alone.

    Raises:
        OSError: the disk has no locks.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_SH)


def user_id() -> int:
    """The number of the user who runs this process, 0 for root; -1 on Windows."""
    if sys.platform == "win32":
        return -1
    return os.geteuid()


def is_strangers(path: str | os.PathLike[str]) -> bool:
    """Whether a file or folder is another user's, and anybody can change it or could have put it there.

    Root's is another user's, too, but nobody else could have put it there. On Windows nothing is.

    Raises:
        OSError: it cannot be looked at.
    """
    real = os.path.realpath(path)
    status, parent = os.stat(real), os.stat(os.path.dirname(real))
    if sys.platform == "win32" or status.st_uid == user_id():
        return False
    return bool(status.st_mode & stat.S_IWOTH or (parent.st_mode & stat.S_IWOTH and status.st_uid))


def put_in_place(handle: BinaryIO, temporary: Path, target: Path) -> None:
    """Renames a file that is open for writing, and that is on the disk; Windows renames only closed files."""
    if sys.platform == "win32":
        handle.close()
    os.replace(temporary, target)


def sync_folder(folder: Path) -> None:
    """Has the names in a folder written to the disk; Windows has no such call."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def address_space_limit() -> int | None:
    """Bytes of address space that this process may take, as `ulimit -v` sets them; None without a limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit
