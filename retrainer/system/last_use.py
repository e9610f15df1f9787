"""Marks of use: an empty file beside a file or folder, whose time is the last use.

A process that uses the file or folder shares a lock of the mark until it ends. So nothing that a run still needs is
removed.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from retrainer.system.portable import lock, opened, share_lock

_DAY = 86_400
_ENDING = ".last-use"
# Mark -> its descriptor, open until this process ends.
_held: dict[Path, int] = {}


def mark_used(path: Path) -> None:
    """Marks a file or folder, which need not exist, as used now and until this process ends.

    Waits while another process removes it. A disk that takes no mark or no lock gets none.
    """
    mark = _mark_of(path)
    with contextlib.suppress(OSError):
        if not _is_held(mark):
            _held[mark] = _opened(mark)
            share_lock(_held[mark])
        os.utime(mark)


def last_use(path: Path, made: Path) -> float:
    """When a file or folder was used last, in seconds since 1970.

    Args:
        path: The file or folder.
        made: A file of it, whose time counts as a use, too.
    """
    times = [made.lstat().st_mtime]
    with contextlib.suppress(OSError):
        times.append(_mark_of(path).lstat().st_mtime)
    return max(times)


@contextlib.contextmanager
def kept_unused(path: Path) -> Iterator[bool]:
    """Keeps processes from beginning to use a file or folder; yields False if one uses it already.

    Windows has no such locks; there it yields False if one used it within a day.

    Raises:
        OSError: the disk takes no mark or no lock.
    """
    mark = _mark_of(path)
    fresh = not mark.exists()
    descriptor = _opened(mark)
    try:
        if fresh:
            os.utime(mark, (0, 0))  # looking at it is no use
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Locks a mark; returns False if a process shares its lock."""
    if sys.platform == "win32":
        return time.time() - os.fstat(descriptor).st_mtime > _DAY
    try:
        lock(descriptor, wait=False)
    except BlockingIOError:
        return False
    return True


def _mark_of(path: Path) -> Path:
    return Path(os.path.realpath(path.parent)) / f".{path.name}{_ENDING}"


def _is_held(mark: Path) -> bool:
    """Whether this process has the mark open that lies there; somebody may have removed it."""
    return mark in _held and mark.exists() and os.path.samestat(os.fstat(_held[mark]), mark.lstat())


def _opened(mark: Path) -> int:
    """A descriptor of a mark, which is made if it is absent; another user's mark may be read only."""
    no_links = getattr(os, "O_NOFOLLOW", 0)
    try:
        return opened(mark, os.O_RDWR | os.O_CREAT | no_links)
    except PermissionError:
        return opened(mark, os.O_RDONLY | no_links)
