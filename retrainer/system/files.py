"""Writes files that are either whole or absent, and reads files that may be replaced meanwhile."""

import contextlib
import errno
import mmap
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from retrainer.errors import OutputError
from retrainer.system.portable import opened, put_in_place, sync_folder
from retrainer.system.unfinished import unfinished_file, unfinished_folder
from retrainer.text import shown

# The first difference ends a comparison, and a copy of so few bytes stays in the processor's cache.
_COMPARED = 2**18
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a file for writing that gets its name when all of it is on the disk.

    Until then it is a temporary file in the same folder. If anything goes wrong, that is removed, and an older file of
    the name stays unchanged.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    target = _target_of(path)
    with _clear_errors(target):
        with _unfinished(target) as (handle, temporary):
            yield handle
            _sync(handle)
            put_in_place(handle, temporary, target)
        sync_folder(target.parent)


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_file(target) as opened:
        yield opened


def _sync(handle: BinaryIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())


@contextlib.contextmanager
def _clear_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(target, error) from error


def require_writable_folder(folder: str | os.PathLike[str]) -> None:
    """Raises OutputError unless files can be written in this folder, which is made if it is absent."""
    try:
        require_writable(Path(folder) / "file")
    except OutputError as error:
        cause = error.__cause__
        raise (output_error(Path(folder), cause) if isinstance(cause, OSError) else error) from cause


def _target_of(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to; raises OutputError if it leads to a folder or a device."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "a device or a pipe"
        raise OutputError(f"Cannot write '{shown(path)}': expected a file's name, received {kind}.", path=path)
    return target


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes one file as `whole_file` does."""
    write_together({path: content})


def write_together(
    contents: Mapping[str | os.PathLike[str], bytes], replacing: Callable[[], None] = lambda: None
) -> None:
    """Writes files that belong together; they get their names, the first one last, when all are on the disk.

    A file that has its content already is not written again, it only becomes the newest.

    Args:
        contents: Path -> bytes.
        replacing: Called when all are on the disk and none has its name.

    Raises:
        OutputError: a file cannot be written; if so, the older files stay unchanged.
    """
    with contextlib.ExitStack() as files:
        unfinished = {}
        for path, content in contents.items():
            target = _target_of(path)
            if _refreshed(target, content):
                continue
            with _clear_errors(target):
                handle, temporary = files.enter_context(_unfinished(target))
                handle.write(content)
                _sync(handle)
                unfinished[target] = handle, temporary
        replacing()
        for target, (handle, temporary) in reversed(unfinished.items()):
            with _clear_errors(target):
                put_in_place(handle, temporary, target)
                sync_folder(target.parent)


def has_content(path: Path, content: bytes) -> bool:
    """Whether a file is there, may be read, and has this content."""
    try:
        with open_regular(path) as handle:
            if os.fstat(handle.fileno()).st_size != len(content):
                return False
            parts = (content[start : start + _COMPARED] for start in range(0, len(content), _COMPARED))
            return all(handle.read(_COMPARED) == part for part in parts)
    except OSError:
        return False


def _refreshed(path: Path, content: bytes) -> bool:
    """Gives a file that has this content already the time of a new one; false if it cannot, or has another content."""
    with contextlib.suppress(OSError):
        if has_content(path, content):
            os.utime(path)
            return True
    return False


def remove_file(path: str | os.PathLike[str]) -> None:
    """Removes a file if it is there.

    Raises:
        OutputError: it cannot be removed.
    """
    with _clear_errors(Path(path)):
        Path(path).unlink(missing_ok=True)


def keep_as(path: str | os.PathLike[str], kept: str | os.PathLike[str]) -> None:
    """Gives a file a second name, which another file may have now; a disk without links gets a copy.

    Raises:
        OutputError: it cannot be written.
    """
    source, target = os.path.realpath(path), _target_of(kept)
    with _clear_errors(target):
        with unfinished_folder(target) as folder:
            try:
                os.link(source, folder / target.name)
            except OSError:
                with open(source, "rb") as content, open(folder / target.name, "xb") as handle:
                    shutil.copyfileobj(content, handle)
                    _sync(handle)
            os.replace(folder / target.name, target)
        sync_folder(target.parent)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raises OutputError unless `whole_file` can write this file; makes its temporary file to find out.

    Called before long work, so that the work is not lost to a wrong path.
    """
    target = _target_of(path)
    with _clear_errors(target), _unfinished(target):
        if target.exists():
            os.close(os.open(target, os.O_RDWR))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file: one process at a time does what it protects, and the others wait.

    The lock ends with the process that holds it, however that ends. The file stays.

    Raises:
        OutputError: the file cannot be made or locked.
    """
    from filelock import lock_descriptor  # takes 14 ms, and few runs lock

    with contextlib.ExitStack() as stack:
        with _clear_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A pipe in its place can be locked, too.
            descriptor = opened(path, os.O_RDWR | os.O_CREAT)
            stack.callback(os.close, descriptor)
            lock_descriptor(descriptor)
        yield


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file for reading; a pipe, a device or a folder is not opened.

    Raises:
        OSError: it is absent, no file, or may not be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "expected a file, received a folder, pipe or device", os.fspath(path))
    # A pipe may take its place meanwhile.
    return open(path, "rb", opener=opened)


@contextlib.contextmanager
def mapped_file(path: str | os.PathLike[str]) -> Iterator[mmap.mmap | bytes]:
    """Maps a file into memory for reading, so that only what is looked at is read.

    Raises:
        OSError: it is absent, no file, or may not be read.
    """
    with open_regular(path) as handle:
        if not os.fstat(handle.fileno()).st_size:  # there is nothing to map
            yield b""
            return
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


def content_digest(path: Path) -> str:
    """SHA-256 of a file's content, or of the names and contents of all files in a folder; hexadecimal."""
    import hashlib  # takes milliseconds, which a label does without

    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    lines = [f"{content_digest(path / file)} {file}\n" for file in files]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def output_error(target: Path, error: OSError) -> OutputError:
    """An OutputError that says why a file or folder cannot be written."""
    if isinstance(error, FileExistsError):
        kind = "a file" if os.path.exists(error.filename) else "a link to nothing"
        reason = f"'{shown(error.filename)}' is {kind}; expected a folder"
    else:
        reason = error.strerror or str(error)
    full = error.errno in DISK_FULL
    fix = "Free some space, or name another place." if full else "Name another place."
    return OutputError(f"Cannot write '{shown(target)}': {reason}.", f"{fix} Nothing half-written stays.", path=target)
