"""Tar files: plain ones, whose members lie where any thread can read them, and compressed ones."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

from retrainer.errors import DatasetError, PictureError
from retrainer.photos.packed.contents import NO_FILES, Contents, Place
from retrainer.photos.packed.files import AsStream, File, Unpacked
from retrainer.system.tar_headers import BoundedHeader
from retrainer.text import reason_of

# The first bytes of a compressed file -> what opens its unpacked bytes.
_COMPRESSIONS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda stream: cast(BinaryIO, gzip.GzipFile(fileobj=stream)),
    b"BZh": lambda stream: cast(BinaryIO, bz2.BZ2File(stream)),
    b"\xfd7zXZ\0": lambda stream: cast(BinaryIO, lzma.LZMAFile(stream)),  # noqa: SIM115
}

# Python's readers raise these for a damaged archive.
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError, OSError)


class TarArchive:
    """A tar file that is read in place.

    Attributes:
        contents: Its members.
        sequential: Whether it is compressed: members are then best read in the order of their places.

    Args:
        file: The file.
        magic: Its first bytes.

    Raises:
        DatasetError: it is damaged or truncated, or no tar.
    """

    def __init__(self, file: File, magic: bytes) -> None:
        unpacking = next((opens for start, opens in _COMPRESSIONS.items() if magic.startswith(start)), None)
        self.sequential = unpacking is not None
        self._read_at = Unpacked(file, unpacking).read_at if unpacking else file.read_at
        try:
            self.contents = self._listed()
        except _UNREADABLE as error:
            raise DatasetError(
                f"the tar archive is damaged or truncated, or the file is no tar: {reason_of(error)}.",
                "Download or copy it again.",
            ) from error

    def read(self, place: Place) -> bytes:
        """The bytes of a member.

        Raises:
            PictureError: they are damaged or missing.
        """
        try:
            content = self._read_at(place.start, place.size) if place.size else b""
        except _UNREADABLE as error:
            raise PictureError(f"the archive is damaged: {reason_of(error)}") from error
        if len(content) != place.size:
            raise PictureError("the archive is truncated: it ends within this file")
        return content

    def _listed(self) -> Contents:
        contents = Contents()
        stream = io.BufferedReader(AsStream(self._read_at), tarfile.BLOCKSIZE)
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=BoundedHeader, encoding="utf-8") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                if member.isdir():
                    continue
                problem = "" if member.isreg() and not member.issparse() else NO_FILES
                contents.add(member.name, Place(member.offset_data, member.size, member.size), problem)
            # tarfile takes a damaged header for the end, which is a block of zeros or the end of the file.
            if self._read_at(archive.offset, tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError("a header is damaged")
        return contents
