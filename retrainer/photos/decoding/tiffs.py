"""TIFFs of numbers that Pillow misreads or refuses: more than eight bits, signed, or floating.

Pillow still decompresses them. It gets the same strips or tiles under a header that calls each byte a grey pixel.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.errors import PictureError
from retrainer.photos.decoding.levels import levels, opaqueness
from retrainer.photos.decoding.limits import decoding_error, one_large_picture, require_few
from retrainer.photos.decoding.opening import open_picture
from retrainer.photos.decoding.signatures import FORMATS, RAW
from retrainer.photos.decoding.tiff_layout import (
    BITS,
    COMPRESSION,
    COUNTS,
    EXTRA,
    FILL_ORDER,
    HEIGHT,
    OFFSETS,
    PHOTOMETRIC,
    PLANES,
    PREDICTOR,
    ROWS,
    SAMPLES,
    TILE_COUNTS,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_WIDTH,
    WIDTH,
    Layout,
    layout_of,
    require_all_blocks,
)
from retrainer.system.process import native_stderr_hidden

_KINDS = {1: "u", 2: "i", 3: "f"}
# Compressions of plain bytes: none, LZW, Deflate (two numbers), PackBits, LZMA, Zstandard.
_OF_BYTES = (1, 5, 8, 32946, 32773, 34925, 50000)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS = 0, 1, 2, 5
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _INKS: 4}
_HORIZONTAL, _FLOATING = 2, 3
# 2**28 pixels of RGB in 16 bits need less.
_MOST_BYTES = 2**31


def decode_numbers(content: bytes) -> tuple[Image.Image, int] | None:
    """Decodes a TIFF of such numbers.

    Returns:
        The picture, RGB or RGBA and not turned upright, and its orientation as EXIF numbers it. None if the header is
        damaged, or if Pillow reads the file by itself.

    Raises:
        PictureError: the file is a raw photo, damaged, too large, or has numbers of a kind that cannot be read.
    """
    if (layout := layout_of(content)) is None:
        return None
    if layout.is_raw:
        raise PictureError(f"expected {', '.join(FORMATS)}, received {RAW}")
    pixels = layout.width * layout.height
    require_few(pixels)
    require_all_blocks(content, layout)
    if layout.is_plain:
        return None
    # One strip may hold all numbers, and Pillow takes its bytes for pixels.
    with one_large_picture(pixels * layout.samples * -(-layout.bits // 8)), native_stderr_hidden():
        try:
            return _picture(content, layout), layout.orientation
        except PictureError:
            raise
        except Exception as error:  # damaged data make NumPy and Pillow raise errors of any kind
            raise decoding_error(error, pixels) from error


def _picture(content: bytes, layout: Layout) -> Image.Image:
    tags = layout.tags
    photometric = tags.get(PHOTOMETRIC, _BLACK_IS_ZERO)
    colours = _CHANNELS.get(photometric, 0)
    extra = tags.get(EXTRA, ())
    known = tags.get(COMPRESSION, 1) in _OF_BYTES and tags.get(FILL_ORDER, 1) == 1 and tags.get(PREDICTOR, 1) <= 3
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
    """All numbers of a TIFF, `(H, W, samples)`, in this machine's byte order."""
    planes = layout.tags.get(PLANES, 1) == 2
    count = layout.samples if planes else 1
    each = 1 if planes else layout.samples
    shares = [_plane(content, layout, number, count, each) for number in range(count)]
    return np.concatenate(shares, axis=2) if planes else shares[0]


def _plane(content: bytes, layout: Layout, number: int, count: int, samples: int) -> npt.NDArray[Any]:
    """The numbers of plane `number` of `count`, `(H, W, samples)`."""
    tags, bits = layout.tags, layout.bits * samples
    tiled = TILE_OFFSETS in tags
    offsets, counts = (tags[TILE_OFFSETS], tags[TILE_COUNTS]) if tiled else (tags[OFFSETS], tags[COUNTS])
    width, height = layout.width, layout.height
    across, down = (tags[TILE_WIDTH], tags[TILE_HEIGHT]) if tiled else (width, min(tags.get(ROWS, height), height))
    share = len(offsets) // count
    rows = np.empty((height, width, samples), _kind(layout))
    pieces = list(zip(offsets, counts, strict=True))[number * share : (number + 1) * share]
    corners = ((top, left) for top in range(0, height, down) for left in range(0, width, across))
    for (offset, size), (top, left) in zip(pieces, corners, strict=True):
        lines = down if tiled else min(down, height - top)
        packed = _unpacked(content, (-(-across * bits // 8), lines), (offset, size), tags.get(COMPRESSION, 1))
        piece = _predicted(_parsed(packed, layout, across, samples), layout)
        covered = rows[top : top + down, left : left + across]
        covered[:] = piece[: covered.shape[0], : covered.shape[1]]
    return rows


def _kind(layout: Layout) -> np.dtype[Any]:
    size = next(size for size in (8, 16, 32, 64) if layout.bits <= size)
    return np.dtype(f"{_KINDS[layout.kind]}{size // 8}")


def _unpacked(content: bytes, size: tuple[int, int], extent: tuple[int, int], compression: int) -> Pixels:
    """The bytes of one strip, `(lines, bytes a line)`, which Pillow decompresses."""
    width, lines = size
    offset, length = extent
    values = {
        WIDTH: width,
        HEIGHT: lines,
        BITS: 8,
        COMPRESSION: compression,
        PHOTOMETRIC: _BLACK_IS_ZERO,
        OFFSETS: 8,
        SAMPLES: 1,
        ROWS: lines,
        COUNTS: length,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    strip = content[offset : offset + length]
    if len(strip) < length:
        raise PictureError("damaged or truncated: its data end early")
    strip += b"\0" * (length % 2)
    header = b"II*\0" + struct.pack("<I", 8 + len(strip))
    directory = struct.pack("<H", len(values)) + entries + bytes(4)
    return np.asarray(open_picture(header + strip + directory, ("TIFF",)))


def _parsed(packed: Pixels, layout: Layout, width: int, samples: int) -> npt.NDArray[Any]:
    """Bytes `(lines, bytes a line)` -> numbers `(lines, width, samples)`, which may still be differences."""
    lines, count = len(packed), width * samples
    kind = _kind(layout)
    if layout.bits != 8 * kind.itemsize:
        single = np.unpackbits(packed, axis=1)[:, : count * layout.bits].reshape(lines, width, samples, layout.bits)
        weights = np.left_shift(np.uint64(1), np.arange(layout.bits, dtype=np.uint64)[::-1])
        whole: npt.NDArray[Any] = (single * weights).sum(axis=-1, dtype=np.uint64)
        return whole.astype(kind)
    if layout.kind == 3 and layout.tags.get(PREDICTOR, 1) == _FLOATING:
        # Adobe's Photoshop TIFF technical note 3: a line holds all first bytes, then all second ones, as differences.
        summed = packed.reshape(lines, -1, samples).cumsum(axis=1, dtype=np.uint8).reshape(lines, kind.itemsize, count)
        packed = np.ascontiguousarray(summed.transpose(0, 2, 1)).reshape(lines, -1)
        return packed.view(kind.newbyteorder(">")).reshape(lines, width, samples).astype(kind)
    order = kind.newbyteorder(">" if layout.big else "<")
    return np.ascontiguousarray(packed).view(order).reshape(lines, width, samples).astype(kind)


def _predicted(numbers: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """The numbers `(lines, width, samples)`, summed if they were stored as differences from their left neighbours."""
    if layout.tags.get(PREDICTOR, 1) != _HORIZONTAL:
        return numbers
    summed: npt.NDArray[Any] = np.cumsum(numbers, axis=1, dtype=numbers.dtype)
    return summed
