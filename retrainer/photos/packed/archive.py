"""An open archive: a list of members that are read in place, and the folders that they lie in."""

import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from retrainer.errors import DatasetError, PictureError
from retrainer.photos.packed.contents import Contents, Place
from retrainer.photos.packed.files import File

Stamps = tuple[int, int, int]
"""A member's size in bytes, and two numbers that change with the archive.

They are the archive's time of modification, and its time of change mixed with the member's CRC-32 or place. Plain files
have the size and the times of modification and of change, in nanoseconds.
"""

_ZIP, _GZIP, _BZIP2, _XZ = (b"PK\3\4", b"PK\5\6"), b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_TAR, _TAR_OFFSET = b"ustar", 257
MAGIC_BYTES = _TAR_OFFSET + len(_TAR)
"""How many bytes at the beginning of a file tell whether it is an archive."""


_Tree = dict[str, tuple[dict[str, None], "array[int]"]]


class _Format(Protocol):
    contents: Contents
    sequential: bool

    def read(self, place: Place) -> bytes: ...


@dataclass
class Folder:
    """What lies directly in a folder of an archive, in the archive's order: names of files with stamps, and folders."""

    files: list[tuple[str, Stamps]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def _opened(file: File, kind: str, magic: bytes) -> _Format:
    # A folder of plain files needs neither of these.
    if kind == "zip":
        from retrainer.photos.packed.zips import ZipArchive

        return ZipArchive(file)
    from retrainer.photos.packed.tars import TarArchive

    return TarArchive(file, magic)


class Archive:
    """An open archive; `photos.archives.open_archive` gives it.

    Raises:
        DatasetError: the file is damaged, or no archive that can be read.
    """

    def __init__(self, path: str, status: os.stat_result) -> None:
        self._times = status.st_mtime_ns, status.st_ctime_ns
        file = File(path)
        magic = file.read_at(0, MAGIC_BYTES)
        kind = format_of(magic, path)
        if not kind:
            raise DatasetError("expected a ZIP or tar archive, received another kind of file.")
        self._format = _opened(file, kind, magic)
        self._contents = self._format.contents

    @property
    def sequential(self) -> bool:
        """Whether its members are best read in the order of their places."""
        return self._format.sequential

    @property
    def left_out(self) -> Mapping[str, Sequence[str]]:
        """Why members cannot be used -> their names, not sanitised."""
        return self._contents.left_out

    def members(self) -> Iterator[tuple[str, Stamps]]:
        """The members that can be used, in the archive's order: names below it, separated by `/`, with their stamps."""
        return (self._member(number) for number in self._contents)

    def folder(self, name: str) -> Folder:
        """What lies directly in a folder of the archive; "" is its top."""
        inner, numbers = self._tree.get(name, ({}, ()))
        members = (self._member(number) for number in numbers)
        return Folder([(path.rpartition("/")[2], stamps) for path, stamps in members], list(inner))

    def place(self, name: str) -> int:
        """The offset of a member; 0 if there is none of that name."""
        place = self._contents.place(name)
        return place.start if place else 0

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a member.

        Args:
            name: The member's, below the archive.
            most: The largest number of bytes to read.

        Raises:
            PictureError: it is missing, too large or damaged.
        """
        place = self._contents.place(name)
        if place is None:
            raise PictureError("cannot be read: the archive has no such file")
        if place.size > most:
            raise PictureError(f"{place.size:,} bytes are more than the limit of {most:,}")
        return self._format.read(place)

    @cached_property
    def _tree(self) -> _Tree:
        """Folder -> the names of the folders directly in it, and the numbers of its members."""
        tree: _Tree = {"": ({}, array("q"))}
        for number in self._contents:
            folder, _, _ = self._contents[number][0].rpartition("/")
            if folder not in tree:
                _add_folder(tree, folder)
            tree[folder][1].append(number)
        return tree

    def _member(self, number: int) -> tuple[str, Stamps]:
        name, place = self._contents[number]
        modified, changed = self._times
        return name, (place.size, modified, (changed ^ ((place.check or place.start) << 31)) % 2**63)


def _add_folder(tree: _Tree, folder: str) -> None:
    """Adds a folder, and those above it that are missing."""
    above = ""
    for name in folder.split("/"):
        path = f"{above}/{name}" if above else name
        if path not in tree:
            tree[path] = {}, array("q")
            tree[above][0][name] = None
        above = path


def is_compressed(content: bytes) -> bool:
    """Whether a file's first bytes are those of a compressed tar, or of another compressed file."""
    return content.startswith((_GZIP, _BZIP2, _XZ))


def format_of(content: bytes, path: str) -> str:
    """`zip` or `tar`, by a file's first bytes or else by its name; empty if it is neither."""
    if content.startswith(_ZIP):
        return "zip"
    if is_compressed(content) or content[_TAR_OFFSET:].startswith(_TAR):
        return "tar"
    # A program may lie before a ZIP, and tars from before 1988 have no mark.
    return next((kind for kind in ("zip", "tar") if path.lower().endswith(f".{kind}")), "")
