"""TIFFs of numbers that Pillow misreads or refuses: more than eight bits, signed, or floating.

Pillow still decompresses: it is given the same strips or tiles under a header that calls each byte a grey pixel.
"""

import io
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from retrainer.arrays import Pixels
from retrainer.errors import PictureError
from retrainer.photos.decoding.damage import has_lost_block
from retrainer.photos.decoding.levels import levels, opaqueness
from retrainer.photos.decoding.signatures import CANON

# Tags of TIFF 6.0.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _PLANES, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_KINDS = {1: "u", 2: "i", 3: "f"}
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating", 5: "complex whole", 6: "complex"}
# Compressions of bytes, whatever these mean: none, LZW, Deflate, PackBits, LZMA, Zstandard.
_OF_BYTES = (1, 5, 8, 32946, 32773, 34925, 50000)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS = 0, 1, 2, 5
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _INKS: 4}
_HORIZONTAL, _FLOATING = 2, 3
_BIG = b"+"
# As many as 2**28 pixels of RGB in 16 bits, and more.
_MOST_BYTES = 2**31
_ORIENTATION, _XMP = 274, 700
# Raw photos are TIFFs whose first picture is a small preview: by DNG's version, or by the pictures below it.
_SUBFILE, _BELOW, _DNG = 254, 330, 50706
_TURNED = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")


@dataclass(frozen=True)
class Layout:
    """What a TIFF says of its first picture.

    Attributes:
        width, height: Pixels.
        samples: Per pixel.
        bits: Per sample.
        kind: Of the numbers: 1 unsigned, 2 signed, 3 floating.
        big: Whether the numbers' first byte is the highest.
        tags: All tags and their values.
        is_raw: Whether it is a camera's raw photo, whose first picture is a preview only.
    """

    width: int
    height: int
    samples: int
    bits: int
    kind: int
    big: bool
    tags: Any
    is_raw: bool

    @property
    def is_plain(self) -> bool:
        """Whether the numbers are bytes or less, which Pillow reads."""
        return self.bits <= 8 and self.kind in (1, 4)

    @property
    def orientation(self) -> int:
        """As EXIF numbers them, 1 to 8; of XMP if no tag states it."""
        if (tag := self.tags.get(_ORIENTATION)) is not None:
            return int(tag)
        found = _TURNED.search(bytes(self.tags.get(_XMP, b"")))
        return int(found[1]) if found else 1

    def __str__(self) -> str:
        """The layout in words, for a message."""
        kind = _FORMATS.get(self.kind, "unknown")
        photometric, compression = self.tags.get(_PHOTOMETRIC), self.tags.get(_COMPRESSION, 1)
        return (
            f"a TIFF of {self.samples} {kind} numbers of {self.bits} bits a pixel "
            f"(photometric {photometric}, compression {compression})"
        )


def layout_of(content: bytes) -> Layout | None:
    """The layout of a TIFF's first picture; None if its header is damaged."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[: 16 if _BIG in content[:4] else 8])
        handle = io.BytesIO(content)
        handle.seek(tags.next)
        tags.load(handle)
        bits, kinds = tags.get(_BITS, (1,)), tags.get(_FORMAT, (1,))
        mixed = len(set(bits)) > 1 or len(set(kinds)) > 1
        sizes = int(tags[_WIDTH]), int(tags[_HEIGHT]), int(tags.get(_SAMPLES, 1))
        below = _BELOW in tags and bool(tags.get(_SUBFILE, 0) & 1)
        raw = _DNG in tags or below or content.startswith(CANON, 8)
        return Layout(*sizes, int(bits[0]), 0 if mixed else int(kinds[0]), content.startswith(b"MM"), tags, raw)
    except MemoryError:
        raise
    except Exception:  # Pillow raises whatever the bytes make it stumble over
        return None


def require_all_blocks(content: bytes, layout: Layout) -> None:
    """Raises PictureError if compressed data have lost a block: libtiff makes something of them all the same."""
    if layout.tags.get(_COMPRESSION, 1) == 1:
        return
    names = (_TILE_OFFSETS, _TILE_COUNTS) if _TILE_OFFSETS in layout.tags else (_OFFSETS, _COUNTS)
    for offset, size in zip(*(layout.tags.get(name, ()) for name in names), strict=False):
        if has_lost_block(content, offset, offset + size):
            raise PictureError("damaged or truncated: a block of its data is missing")


def decoded_tiff(content: bytes, layout: Layout) -> Image.Image:
    """The picture of a TIFF's numbers, RGB or RGBA, not turned upright.

    Raises:
        PictureError: they are of a kind that cannot be read, or damaged, or no picture.
    """
    tags = layout.tags
    photometric = tags.get(_PHOTOMETRIC, _BLACK_IS_ZERO)
    colours = _CHANNELS.get(photometric, 0)
    extra = tags.get(_EXTRA, ())
    known = tags.get(_COMPRESSION, 1) in _OF_BYTES and tags.get(_FILL_ORDER, 1) == 1 and tags.get(_PREDICTOR, 1) <= 3
    known = known and layout.kind in _KINDS and (layout.bits in (8, 16, 32, 64) or layout.kind == 1)
    if not known or not colours or layout.samples != colours + len(extra) or layout.bits > 64:
        raise PictureError(f"{layout} cannot be read; expected grey, RGB or CMYK numbers of up to 64 bits")
    size = layout.width * layout.height * layout.samples * _kind(layout).itemsize
    if size > _MOST_BYTES:
        raise PictureError(f"its {size:,} bytes of numbers are more than the limit of {_MOST_BYTES:,}")
    numbers = _numbers(content, layout)
    exact = layout.bits if layout.bits % 8 else 0
    pixels = levels(numbers[..., :colours], exact)
    if photometric == _WHITE_IS_ZERO:
        pixels = ~pixels
    if photometric == _INKS:
        return Image.fromarray(pixels, "CMYK").convert("RGB")
    rgb = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    # 1 and 2 are alpha, associated with the colours or not.
    if not extra or extra[0] not in (1, 2):
        return Image.fromarray(np.ascontiguousarray(rgb))
    alpha = opaqueness(numbers[..., colours])
    return Image.frombytes(
        "RGBA", alpha.shape[::-1], np.dstack([rgb, alpha]).tobytes(), "raw", "RGBa" if extra[0] == 1 else "RGBA"
    )


def _numbers(content: bytes, layout: Layout) -> npt.NDArray[Any]:
    """All numbers of a TIFF, `(H, W, samples)`, in a type of this machine."""
    planes = layout.tags.get(_PLANES, 1) == 2
    count = layout.samples if planes else 1
    each = 1 if planes else layout.samples
    shares = [_plane(content, layout, number, count, each) for number in range(count)]
    return np.concatenate(shares, axis=2) if planes else shares[0]


def _plane(content: bytes, layout: Layout, number: int, count: int, samples: int) -> npt.NDArray[Any]:
    """The numbers of one of `count` planes, `(H, W, samples)`."""
    tags, bits = layout.tags, layout.bits * samples
    tiled = _TILE_OFFSETS in tags
    offsets, counts = (tags[_TILE_OFFSETS], tags[_TILE_COUNTS]) if tiled else (tags[_OFFSETS], tags[_COUNTS])
    width, height = layout.width, layout.height
    across, down = (tags[_TILE_WIDTH], tags[_TILE_HEIGHT]) if tiled else (width, min(tags.get(_ROWS, height), height))
    share = len(offsets) // count
    rows = np.empty((height, width, samples), _kind(layout))
    pieces = list(zip(offsets, counts, strict=True))[number * share : (number + 1) * share]
    places = ((top, left) for top in range(0, height, down) for left in range(0, width, across))
    for (offset, size), (top, left) in zip(pieces, places, strict=True):
        lines = down if tiled else min(down, height - top)
        packed = _unpacked(content, (-(-across * bits // 8), lines), (offset, size), tags.get(_COMPRESSION, 1))
        piece = _predicted(_parsed(packed, layout, across, samples), layout)
        part = rows[top : top + down, left : left + across]
        part[:] = piece[: part.shape[0], : part.shape[1]]
    return rows


def _kind(layout: Layout) -> np.dtype[Any]:
    size = next(size for size in (8, 16, 32, 64) if layout.bits <= size)
    return np.dtype(f"{_KINDS[layout.kind]}{size // 8}")


def _unpacked(content: bytes, size: tuple[int, int], place: tuple[int, int], compression: int) -> Pixels:
    """The bytes `(lines, bytes a line)` of one strip, by Pillow."""
    width, lines = size
    offset, length = place
    values = {
        _WIDTH: width,
        _HEIGHT: lines,
        _BITS: 8,
        _COMPRESSION: compression,
        _PHOTOMETRIC: _BLACK_IS_ZERO,
        _OFFSETS: 8,
        _SAMPLES: 1,
        _ROWS: lines,
        _COUNTS: length,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    strip = content[offset : offset + length]
    if len(strip) < length:
        raise PictureError("damaged or truncated: its data end early")
    strip += b"\0" * (length % 2)
    header = b"II*\0" + struct.pack("<I", 8 + len(strip))
    directory = struct.pack("<H", len(values)) + entries + bytes(4)
    picture = Image.open(io.BytesIO(header + strip + directory), formats=("TIFF",))
    return np.asarray(picture)


def _parsed(packed: Pixels, layout: Layout, width: int, samples: int) -> npt.NDArray[Any]:
    """Bytes `(lines, bytes a line)` -> numbers `(lines, width, samples)`, a predictor of differences still applied."""
    lines, count = len(packed), width * samples
    kind = _kind(layout)
    if layout.bits != 8 * kind.itemsize:
        single = np.unpackbits(packed, axis=1)[:, : count * layout.bits].reshape(lines, width, samples, layout.bits)
        weights = np.left_shift(np.uint64(1), np.arange(layout.bits, dtype=np.uint64)[::-1])
        whole: npt.NDArray[Any] = (single * weights).sum(axis=-1, dtype=np.uint64)
        return whole.astype(kind)
    if layout.kind == 3 and layout.tags.get(_PREDICTOR, 1) == _FLOATING:
        # Adobe's Photoshop TIFF technical note 3: the bytes of a line by their rank, each less the one before.
        summed = packed.reshape(lines, -1, samples).cumsum(axis=1, dtype=np.uint8).reshape(lines, kind.itemsize, count)
        packed = np.ascontiguousarray(summed.transpose(0, 2, 1)).reshape(lines, -1)
        return packed.view(kind.newbyteorder(">")).reshape(lines, width, samples).astype(kind)
    order = kind.newbyteorder(">" if layout.big else "<")
    return np.ascontiguousarray(packed).view(order).reshape(lines, width, samples).astype(kind)


def _predicted(numbers: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """The numbers `(lines, width, samples)` themselves, if they were stored as differences to their left."""
    if layout.tags.get(_PREDICTOR, 1) != _HORIZONTAL:
        return numbers
    summed: npt.NDArray[Any] = np.cumsum(numbers, axis=1, dtype=numbers.dtype)
    return summed
