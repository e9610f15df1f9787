"""Reads the header of a TIFF's first picture."""

import io
import re
from dataclasses import dataclass
from typing import Any

from PIL import TiffImagePlugin

from retrainer.errors import PictureError
from retrainer.photos.decoding.damage import has_lost_block
from retrainer.photos.decoding.signatures import CANON

# Tags of TIFF 6.0.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
OFFSETS, SAMPLES, ROWS, COUNTS, PLANES, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, EXTRA, FORMAT = 322, 323, 324, 325, 338, 339
_ORIENTATION, _XMP = 274, 700
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating", 5: "complex whole", 6: "complex"}
_BIG = b"+"
# Raw photos are TIFFs whose first picture is a small preview. They state DNG's version, or the pictures below it.
_SUBFILE, _BELOW, _DNG = 254, 330, 50706
_TURNED = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")


@dataclass(frozen=True)
class Layout:
    """How a TIFF stores its first picture.

    Attributes:
        width, height: Pixels.
        samples: Numbers per pixel.
        bits: Bits per number.
        kind: Kind of the numbers: 1 unsigned, 2 signed, 3 floating.
        big: Whether the highest byte of a number comes first.
        tags: All tags and their values.
        is_raw: Whether the file is a camera's raw photo, whose first picture is only a preview.
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
        """Whether each number has at most eight bits; Pillow reads such files."""
        return self.bits <= 8 and self.kind in (1, 4)

    @property
    def orientation(self) -> int:
        """The orientation as EXIF numbers it, 1 to 8; that of XMP if no tag states it."""
        if (tag := self.tags.get(_ORIENTATION)) is not None:
            return int(tag)
        found = _TURNED.search(bytes(self.tags.get(_XMP, b"")))
        return int(found[1]) if found else 1

    def __str__(self) -> str:
        """The layout in words, for a message."""
        kind = _FORMATS.get(self.kind, "unknown")
        photometric, compression = self.tags.get(PHOTOMETRIC), self.tags.get(COMPRESSION, 1)
        return (
            f"a TIFF of {self.samples} {kind} numbers of {self.bits} bits a pixel "
            f"(photometric {photometric}, compression {compression})"
        )


def layout_of(content: bytes) -> Layout | None:
    """The layout of a TIFF's first picture; None if the header is damaged."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[: 16 if _BIG in content[:4] else 8])
        handle = io.BytesIO(content)
        handle.seek(tags.next)
        tags.load(handle)
        bits, kinds = tags.get(BITS, (1,)), tags.get(FORMAT, (1,))
        mixed = len(set(bits)) > 1 or len(set(kinds)) > 1
        sizes = int(tags[WIDTH]), int(tags[HEIGHT]), int(tags.get(SAMPLES, 1))
        below = _BELOW in tags and bool(tags.get(_SUBFILE, 0) & 1)
        raw = _DNG in tags or below or content.startswith(CANON, 8)
        return Layout(*sizes, int(bits[0]), 0 if mixed else int(kinds[0]), content.startswith(b"MM"), tags, raw)
    except MemoryError:
        raise
    except Exception:  # a damaged header makes Pillow raise errors of any kind
        return None


def require_all_blocks(content: bytes, layout: Layout) -> None:
    """Raises PictureError if compressed data have lost a block; libtiff would decode something all the same."""
    if layout.tags.get(COMPRESSION, 1) == 1:
        return
    names = (TILE_OFFSETS, TILE_COUNTS) if TILE_OFFSETS in layout.tags else (OFFSETS, COUNTS)
    for offset, size in zip(*(layout.tags.get(name, ()) for name in names), strict=False):
        if has_lost_block(content, offset, offset + size):
            raise PictureError("damaged or truncated: a block of its data is missing")
