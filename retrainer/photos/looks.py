"""Looks: what a picture's file and pixels tell of its quality, measured while it is decoded for something else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Floats, Pixels
from retrainer.photos.decoding.signatures import format_of

if TYPE_CHECKING:
    from retrainer.photos.images import Decoded

SIDE = 128
"""Sharpness is measured on squares of this side, pixels. Smaller pictures are blurred by enlarging them."""
_APART = 4
# Grey levels; rounding alone gives even surfaces differences of this size.
_ROUNDING = 2.0
# The brightness of red, green and blue by Recommendation ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Look:
    """What was measured of a picture.

    Attributes:
        width, height: Of the whole picture, upright, pixels.
        size: Of its file, bytes.
        format: Of its content: `JPEG`, `PNG`, `GIF`, `BMP`, `TIFF`, `WebP`, `AVIF` or `HEIC`.
        sharpness: How much of its contrast is fine: 0 for an even picture, about 0.03 if it is blurred, 0.1 to 2 for
            sharp photos.
    """

    width: int
    height: int
    size: int
    format: str
    sharpness: float


def look_of(content: bytes, picture: "Decoded") -> Look:
    """Measures a picture: the bytes of its file, and the same decoded."""
    if picture.shorter_side < SIDE <= min(picture.sides):
        # A network of tiny inputs had the picture halved too often. The decoders take long to import.
        from retrainer.photos.images import decode

        picture = decode(content, SIDE)
    return Look(*picture.sides, len(content), format_name(content), sharpness(picture.square(SIDE)))


def format_name(content: bytes) -> str:
    """The name of a picture's format by its content; empty if it has none that is read."""
    if content[4:8] == b"ftyp":
        return "AVIF" if content[8:11] == b"avi" else "HEIC"
    return format_of(content).removeprefix("Big")


def sharpness(pixels: Pixels) -> float:
    """The energy of a square's finest details `(SIDE, SIDE, 3)`, divided by that of details four times as large."""
    grey = (pixels.reshape(-1, 3).astype(np.float32) @ _LUMA).reshape(pixels.shape[:2])
    inner = grey[1:-1, 1:-1]
    fine = 4 * inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    across, down = grey[:, _APART:] - grey[:, :-_APART], grey[_APART:] - grey[:-_APART]
    return _energy(fine) / (_energy(across) + _energy(down) + _ROUNDING**2)


def _energy(differences: Floats) -> float:
    flat = differences.reshape(-1)
    return float(flat @ flat) / flat.size
