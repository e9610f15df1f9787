"""Turning pictures upright, by the orientation in their EXIF or XMP."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.photos.decoding.pngs import name_profiles

_TAG = 0x0112
# EXIF 2.3, tag 0x0112: orientation -> the turn that makes a picture upright. 1 is upright already.
_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 3),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 1),
}

# The orientations that swap width and height.
TURNED = (5, 6, 7, 8)


def orientation_of(picture: Image.Image) -> int:
    """The orientation of a picture that Pillow opened, as EXIF numbers it, 1 to 8; 1 if nothing states it."""
    # Pillow turns TIFFs upright by itself, and no other format.
    if picture.format == "TIFF":
        return 1
    try:
        name_profiles(picture.info)
        return int(picture.getexif().get(_TAG, 1))
    except MemoryError:
        raise
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels `(S, S, 3)` turned upright."""
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(turn(pixels)) if turn else pixels
