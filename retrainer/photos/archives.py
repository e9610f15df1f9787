"""Archives as folders: a photo in `photos.zip` has a path such as `photos.zip/cat/1.jpg`, and is read in place.

ZIP and tar files are known by their content; a tar may be compressed by gzip, bzip2 or xz. Nothing is unpacked to disk.
An archive is opened once and serves all threads. Its list of members is kept, about 200 bytes for each. An archive that
was replaced is opened again. An open compressed tar also keeps the last 96 MiB that it unpacked.

Members of a ZIP or of a plain tar are read from where they lie. A compressed tar has no such places. It is unpacked
once to list it, and once more to read its members in the order that `reading_order` gives. In any other order it may be
unpacked again for each member, from its beginning.
"""

import contextlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

from retrainer.errors import DatasetError, PictureError
from retrainer.photos.packed.archive import MAGIC_BYTES, Archive, Folder, format_of, is_compressed
from retrainer.text import shown

ARCHIVE_NAME = re.compile(r".*\.(7z|rar|tar|tar\.(bz2|gz|xz|zst)|tbz2?|tgz|txz|zip)", re.IGNORECASE | re.DOTALL)
"""Names of archives; not all of these formats can be read."""

# Open archives beyond these are closed, the longest unused first.
_MOST_OPEN = 8
# Larger files take seconds to unpack.
_LARGE = 2**28
_SEPARATORS = os.sep + (os.altsep or "")


class _Slot:
    """Where an archive is kept; the first thread that needs it opens it, and the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.archive: Archive | None = None


_KEPT: OrderedDict[tuple[int, ...], _Slot] = OrderedDict()
_LOCK = threading.Lock()


def open_archive(path: str) -> Archive:
    """Opens an archive, or returns the open one if the file has not changed.

    Raises:
        DatasetError: it is damaged, or no archive that can be read.
        OSError: the file cannot be read.
    """
    status = os.stat(path)
    identity = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    with _LOCK:
        slot = _KEPT.setdefault(identity, _Slot())
        _KEPT.move_to_end(identity)
        while len(_KEPT) > _MOST_OPEN:
            _KEPT.popitem(last=False)
    with slot.lock:
        if slot.archive is None:
            try:
                slot.archive = Archive(path, status)
            except DatasetError as error:
                raise DatasetError(f"'{shown(path)}': {error.problem}", error.fix) from error
        return slot.archive


def is_archive(path: str) -> bool:
    """Whether a path is a file that is an archive by its first bytes or its name; compressed files count as tars."""
    return os.path.isfile(path) and bool(format_of(_first_bytes(path), path))


def unpacks_long(path: str) -> bool:
    """Whether an archive is compressed as a whole, and so large that listing it takes a while."""
    return os.path.getsize(path) > _LARGE and is_compressed(_first_bytes(path))


def within_archive(path: str) -> tuple[str, str] | None:
    """The archive that a path leads into, and the name below it: `photos.zip` and `cat/1.jpg`.

    The name is empty if the path is that of the archive; None stands for any other path.
    """
    archive, names = path.rstrip(_SEPARATORS), list[str]()
    while not os.path.exists(archive):
        archive, name = os.path.split(archive)
        if not name:
            return None
        if name != os.curdir:
            names.append(name)
    if not os.path.isfile(archive):
        return None
    return archive, "/".join(reversed(names))


def folder_in_archive(path: str) -> Folder | None:
    """What lies directly in an archive or in a folder of one; None if no part of the path is a file.

    Raises:
        DatasetError: the file is damaged, or no archive that can be read.
        OSError: the file cannot be read.
    """
    found = within_archive(path)
    return found and open_archive(found[0]).folder(found[1])


def read_member(path: str, most: int) -> bytes | None:
    """The bytes of a photo in an archive; None if no part of its path is a file.

    Args:
        path: Such as `photos.zip/cat/1.jpg`.
        most: The largest number of bytes to read.

    Raises:
        PictureError: it cannot be read.
    """
    found = within_archive(path)
    if found is None:
        return None
    archive, name = found
    try:
        return open_archive(archive).read(name, most)
    except DatasetError as error:
        raise PictureError(f"cannot be read: {error.problem}") from error
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error


def reading_order(paths: Sequence[str]) -> list[int]:
    """The numbers of paths in the order in which they are best read: that of their places in compressed archives."""
    order = list(range(len(paths)))
    with _LOCK:
        if not any(slot.archive and slot.archive.sequential for slot in _KEPT.values()):
            return order

    def place(number: int) -> tuple[str, int]:
        archive, name = within_archive(paths[number]) or ("", "")
        # An archive that has gone is reported when its photos are read.
        with contextlib.suppress(DatasetError, OSError):
            if name and (opened := open_archive(archive)).sequential:
                return archive, opened.place(name)
        return "", 0

    return sorted(order, key=place)


def _first_bytes(path: str) -> bytes:
    """The bytes that tell whether a file is an archive; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAGIC_BYTES)
    except OSError:
        return b""
