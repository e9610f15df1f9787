"""Looks: what a picture's file and pixels tell of its quality, measured while it is decoded for something else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Pixels
from retrainer.photos.decoding.signatures import format_of

if TYPE_CHECKING:
    from retrainer.photos.images import Decoded

SIDE = 128
"""Sharpness is measured on pictures of at least this side, which is shrunk to it: the middle half of the rows."""
_APART = 4
# Grey levels; rounding alone gives even surfaces differences of this size.
_ROUNDING = 2.0


@dataclass(frozen=True)
class Look:
    """What was measured of a picture.

    Attributes:
        width, height: Of the whole picture, upright, pixels.
        size: Of its file, bytes.
        format: Of its content: `JPEG`, `PNG`, `GIF`, `BMP`, `TIFF`, `WebP`, `AVIF` or `HEIC`.
        sharpness: How much of its contrast is fine: about 0.03 if it is blurred, 0.1 to 2 for sharp photos, 0 for an
            even picture. NaN if a side is shorter than `SIDE`.
    """

    width: int
    height: int
    size: int
    format: str
    sharpness: float


def look_of(content: bytes, picture: "Decoded") -> Look:
    """Measures a picture: the bytes of its file, and the same decoded."""
    sharp = float("nan")
    if min(picture.sides) >= SIDE:
        if picture.shorter_side < SIDE:
            # A network of tiny inputs had the picture halved too often. The decoders take long to import.
            from retrainer.photos.images import decode

            picture = decode(content, SIDE)
        sharp = sharpness(picture.middle(SIDE))
    return Look(*picture.sides, len(content), format_name(content), sharp)


def format_name(content: bytes) -> str:
    """The name of a picture's format by its content; empty if it has none that is read."""
    if content[4:8] == b"ftyp":
        return "AVIF" if content[8:11] == b"avi" else "HEIC"
    return format_of(content).removeprefix("Big")


def sharpness(pixels: Pixels) -> float:
    """The energy of a picture's finest details, divided by that of details four times as large; uint8 `(h, w, 3)`."""
    green = pixels[..., 1].astype(np.int16)
    # Small whole numbers take half the time of floats.
    fine = green[1:-1, 1:-1] * 4
    for neighbour in (green[:-2, 1:-1], green[2:, 1:-1], green[1:-1, :-2], green[1:-1, 2:]):
        fine -= neighbour
    across, down = green[:, _APART:] - green[:, :-_APART], green[_APART:] - green[:-_APART]
    return _energy(fine) / (_energy(across) + _energy(down) + _ROUNDING**2)


def _energy(differences: npt.NDArray[np.int16]) -> float:
    flat = differences.reshape(-1).astype(np.float32)
    return float(flat @ flat) / flat.size
