"""Puts files in places that must be free, so that no file is ever overwritten, and none is half there."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from retrainer.errors import PictureError
from retrainer.system.files import open_regular
from retrainer.system.portable import sync_folder
from retrainer.system.unfinished import unfinished_file

_BLOCK = 2**20
_CHANGED = "it changed meanwhile"
# What disks say that have no hard links, or systems that allow none to files of others.
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def digest_of(stream: BinaryIO) -> str:
    """The SHA-256 of the rest of a stream, hexadecimal.

    Raises:
        PictureError: it cannot be read.
    """
    digest = hashlib.sha256()
    while block := _read(stream):
        digest.update(block)
    return digest.hexdigest()


def has_bytes(path: str, sha256: str) -> bool:
    """Whether a path leads to a file with bytes of this hash that can be read."""
    try:
        with open_regular(path) as stream:
            return digest_of(stream) == sha256
    except (OSError, PictureError):
        return False


def copy(source: BinaryIO, target: str, home: str, sha256: str, stamps: str = "") -> None:
    """Copies a stream to a place.

    Args:
        source: The bytes.
        target: The place.
        home: A folder on the same disk, for the temporary file.
        sha256: The hash that the copy must have.
        stamps: A file whose times and permissions the copy gets; empty if there is none.

    Raises:
        FileExistsError: something is there.
        PictureError: the bytes cannot be read, or have another hash.
        OSError: the copy cannot be written.
    """
    with _copied(source, home, sha256, stamps) as (_, temporary):
        rename(temporary, target)


def move(source: str, target: str, home: str, sha256: str) -> None:
    """Moves a file to a place; to that of another disk by a copy that is on the disk before the file is removed.

    Raises:
        FileExistsError: something is there.
        PictureError: the bytes have another hash.
        OSError: it cannot be moved; it is where it was.
    """
    try:
        rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open_regular(source) as stream, _copied(stream, home, sha256, source) as (handle, temporary):
            os.fsync(handle.fileno())
            rename(temporary, target)
        sync_folder(Path(target).parent)
        _remove_or_take_back(source, target)


def rename(source: str | os.PathLike[str], target: str) -> None:
    """Gives a file another name on the same disk.

    Raises:
        FileExistsError: something has the name.
        OSError: the file cannot have it; it has the old one.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _replace_own(source, target)
    else:
        _remove_or_take_back(source, target)


def _replace_own(source: str | os.PathLike[str], target: str) -> None:
    """Takes the name with an empty file, which is replaced."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    try:
        os.replace(source, target)
    except OSError:
        os.unlink(target)
        raise


def _remove_or_take_back(source: str | os.PathLike[str], target: str) -> None:
    try:
        os.unlink(source)
    except OSError:
        os.unlink(target)
        raise


@contextlib.contextmanager
def _copied(source: BinaryIO, home: str, sha256: str, stamps: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A temporary file with the bytes of a stream; it is removed unless it is renamed."""
    digest = hashlib.sha256()
    with unfinished_file(Path(home) / "photo") as (handle, temporary):
        while block := _read(source):
            digest.update(block)
            handle.write(block)
        handle.flush()
        if digest.hexdigest() != sha256:
            raise PictureError(_CHANGED)
        if stamps:
            with contextlib.suppress(OSError):
                shutil.copystat(stamps, temporary)
        yield handle, temporary


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_BLOCK)
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
