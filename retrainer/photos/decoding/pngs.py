"""PNG files, reduced to the chunks that pixels depend on and checked by their checksums."""

import struct
import zlib
from collections.abc import Iterator, MutableMapping
from typing import Any

from retrainer.errors import PictureError
from retrainer.photos.decoding.signatures import PNG

_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# Texts that may state an orientation, by the names that ImageMagick, ExifTool and Adobe's programs use.
_TURNING = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"Raw profile type xmp\0", b"XML:com.adobe.xmp\0")
_MOST_TEXT = 2**20
# Texts that Pillow does not look into. They hold a kind, a length and hexadecimal digits; APP1 is EXIF or XMP.
_PROFILES = ("Raw profile type APP1", "Raw profile type xmp")
_EXIF = b"Exif\0"


def chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name, start and end of each chunk; the last chunk may end beyond the file."""
    offset = len(PNG)
    while offset + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, offset)
        yield name, offset, offset + 12 + length
        offset += 12 + length


def only_picture(content: bytes) -> bytes:
    """Removes a PNG's texts, colour profile and other chunks that Pillow would unpack.

    A short text that may state an orientation stays.

    Raises:
        PictureError: a chunk that pixels depend on has a wrong checksum.
    """
    view = memoryview(content)
    kept = [view[: len(PNG)]]
    for name, start, end in chunks(content):
        if name in _PIXELS and end <= len(content):
            if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
                raise PictureError(f"damaged or truncated: the checksum of a chunk {name.decode()} is wrong")
        elif name not in _PIXELS and name != b"eXIf" and not (name in _TEXTS and _is_short(content[start + 8 : end])):
            continue
        kept.append(view[start:end])
    return b"".join(kept)


def name_profiles(info: MutableMapping[str | tuple[int, int], Any]) -> None:
    """Renames the EXIF and XMP among a picture's texts, so that Pillow finds them.

    Raises:
        ValueError: one of them is damaged.
    """
    for name in _PROFILES:
        if name in info:
            profile = bytes.fromhex("".join(info[name].split("\n")[3:]))
            info.setdefault("exif" if profile.startswith(_EXIF) else "xmp", profile)


def _is_short(text: bytes) -> bool:
    """Whether a text chunk may state an orientation and stays small when it is unpacked."""
    if not text.startswith(_TURNING) or len(text) > _MOST_TEXT:
        return False
    # The packed text follows a few short fields. A text without zlib's first bytes is not packed.
    for offset in [text.find(header) for header in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")]:
        try:
            unpacked = zlib.decompressobj()
            unpacked.decompress(text[offset:], _MOST_TEXT) if offset >= 0 else b""
        except zlib.error:
            continue
        if unpacked.unconsumed_tail:
            return False
    return True
