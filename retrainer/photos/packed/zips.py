"""ZIP files: the list at their end, and members that any number of threads read at once.

`zipfile` takes 600 bytes for each member and lets one thread read at a time. ZIP64, Unicode names and data before the
archive are known. Members may be stored, deflated or compressed by bzip2.
"""

import bz2
import io
import stat
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from retrainer.errors import DatasetError, PictureError
from retrainer.photos.packed.contents import ENCRYPTED, NO_FILES, Contents, Place
from retrainer.photos.packed.files import AsStream, File

_END, _END_64, _ENTRY = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4s2B5H3L5H2L")
_LOCATOR_BYTES, _HEADER_BYTES, _LONGEST_COMMENT = 20, 30, 2**16
_ENCRYPTED, _UTF8 = 1, 1 << 11
_UNIX = 3
_ZIP64, _UNICODE_PATH = 1, 0x7075
_FULL = 0xFFFFFFFF
_BUFFER = 2**20
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12


class _Entry(NamedTuple):
    """An entry of the list of files, as it stands in the file."""

    magic: bytes
    version: int
    system: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    check: int
    packed: int
    size: int
    name_bytes: int
    extra_bytes: int
    comment_bytes: int
    disk: int
    internal: int
    attributes: int
    start: int


class ZipArchive:
    """A ZIP file that is read in place.

    Raises:
        DatasetError: it is damaged or truncated.
    """

    sequential = False

    def __init__(self, file: File) -> None:
        self._file = file
        try:
            self.contents = _contents(file)
        except (struct.error, OverflowError, ValueError) as error:
            raise _damaged("a header ends early") from error

    def read(self, place: Place) -> bytes:
        """The bytes of a member.

        Raises:
            PictureError: they are damaged, or compressed by an unknown method.
        """
        header = self._file.read_at(place.start, _HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.startswith(b"PK\3\4"):
            raise PictureError("the archive is damaged: the header of this file is missing")
        name, extra = struct.unpack("<2H", header[26:])
        if place.packed > 2 * place.size + _HEADER_BYTES:
            raise PictureError("the archive is damaged: this file is larger than its content")
        packed = self._file.read_at(place.start + _HEADER_BYTES + name + extra, place.packed)
        content = _unpacked(packed, place)
        if len(content) != place.size or zlib.crc32(content) != place.check:
            raise PictureError("the archive is damaged: the bytes of this file do not fit their checksum")
        return content


def _unpacked(packed: bytes, place: Place) -> bytes:
    try:
        if place.method == _STORED:
            return packed
        # One byte more than expected shows that the size is wrong.
        if place.method == _DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, place.size + 1)
        if place.method == _BZIP2:
            return bz2.BZ2Decompressor().decompress(packed, place.size + 1)
    except (zlib.error, OSError, ValueError) as error:
        raise PictureError(f"the archive is damaged: {error}") from error
    raise PictureError(f"compressed in the archive by method {place.method}; expected deflated, bzip2 or stored")


def _contents(file: File) -> Contents:
    count, start, size, shift = _directory(file)
    entries = io.BufferedReader(AsStream(lambda at, wanted: file.read_at(start + at, min(wanted, size - at))), _BUFFER)
    contents = Contents()
    for _ in range(count):
        entry = _Entry(*_ENTRY.unpack(entries.read(_ENTRY.size)))
        if entry.magic != b"PK\1\2":
            raise _damaged("an entry of its list of files is missing")
        raw, extras = entries.read(entry.name_bytes), _extras(entries.read(entry.extra_bytes))
        entries.read(entry.comment_bytes)
        name = _name(raw, entry.flags, extras)
        if not name.endswith("/"):
            contents.add(name, _place(entry, extras.get(_ZIP64, b""), shift), _problem_of(entry))
    return contents


def _directory(file: File) -> tuple[int, int, int, int]:
    """The number of entries in the list of files, its offset and its size, and how many bytes lie before the ZIP."""
    tail_start = max(file.size - _END.size - _LONGEST_COMMENT, 0)
    tail = file.read_at(tail_start, file.size - tail_start)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise _damaged("its list of files, which is at the end, is missing")
    count, size, stated = _END.unpack_from(tail, at)[4:7]
    end = tail_start + at
    if file.read_at(max(end - _LOCATOR_BYTES, 0), 4) == b"PK\6\7":
        end -= _LOCATOR_BYTES + _END_64.size
        magic, *_, count, size, stated = _END_64.unpack(file.read_at(max(end, 0), _END_64.size))
        if magic != b"PK\6\6":
            raise _damaged("its list of files, which is at the end, is missing")
    shift = end - size - stated
    if shift < 0:
        raise _damaged("its list of files is incomplete")
    return count, end - size, size, shift


def _place(entry: "_Entry", long: bytes, shift: int) -> Place:
    """Where a member lies; numbers of more than 32 bits are in an extra field, in this order."""
    numbers = []
    for number in (entry.size, entry.packed, entry.start):
        if number == _FULL:
            (number,), long = struct.unpack("<Q", long[:8]), long[8:]  # noqa: PLW2901
        numbers.append(number)
    size, packed, start = numbers
    return Place(start + shift, packed, size, entry.check, entry.method)


def _problem_of(entry: "_Entry") -> str:
    mode = stat.S_IFMT(entry.attributes >> 16) if entry.system == _UNIX else 0
    if mode not in (0, stat.S_IFREG):
        return NO_FILES
    return ENCRYPTED if entry.flags & _ENCRYPTED else ""


def _name(raw: bytes, flags: int, extras: Mapping[int, bytes]) -> str:
    """The name of a member; backslashes become `/` if it has none, as old Windows programs write them."""
    unicode = extras.get(_UNICODE_PATH, b"")
    if unicode[1:5] == struct.pack("<L", zlib.crc32(raw)):
        raw, flags = unicode[5:], _UTF8
    try:
        # macOS writes UTF-8 without saying so.
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "surrogateescape") if flags & _UTF8 else raw.decode("cp437")
    return name if "/" in name else name.replace("\\", "/")


def _extras(content: bytes) -> dict[int, bytes]:
    """The extra fields of an entry by their numbers; what is behind a damaged one is ignored."""
    fields: dict[int, bytes] = {}
    while len(content) >= 4:
        number, size = struct.unpack("<2H", content[:4])
        fields[number], content = content[4 : 4 + size], content[4 + size :]
    return fields


def _damaged(reason: str) -> DatasetError:
    return DatasetError(f"the ZIP archive is damaged or truncated: {reason}.", "Download or copy it again.")
