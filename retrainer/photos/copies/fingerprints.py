"""Fingerprints: photos in few bytes, which hardly change with size, compression or brightness.

A fingerprint is a grey thumbnail and a smaller one of the colours. It does not depend on a network, so that every
backbone sees the same copies.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Floats, Pixels

if TYPE_CHECKING:
    from retrainer.photos.images import Decoded

SIDE, COLOUR_SIDE = 48, 8
GREY_BYTES = SIDE * SIDE
FINGERPRINT_BYTES = GREY_BYTES + 2 * COLOUR_SIDE * COLOUR_SIDE
# The brightness of red, green and blue by Recommendation ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Fingerprints = npt.NDArray[np.uint8]
"""Fingerprints of photos, `(N, FINGERPRINT_BYTES)`."""


def fingerprint(picture: "Decoded") -> Fingerprints:
    """A picture's fingerprint, uint8 `(FINGERPRINT_BYTES,)`: the grey thumbnail, then two of the colours."""
    return fingerprint_of(picture.square(SIDE))


def fingerprint_of(pixels: Pixels) -> Fingerprints:
    """The fingerprint of a thumbnail uint8 `(SIDE, SIDE, 3)`."""
    floats = pixels.astype(np.float32)
    cells = SIDE // COLOUR_SIDE
    # Sums of whole numbers are exact in any order, and NumPy is twice as fast at one axis after the other.
    sums = floats.reshape(COLOUR_SIDE, cells, SIDE * 3).sum(axis=1)
    small = sums.reshape(COLOUR_SIDE, COLOUR_SIDE, cells, 3).sum(axis=2) / np.float32(cells**2)
    grey = floats.reshape(-1, 3) @ _LUMA
    # Blue and red less the brightness, -226 to 226, are halved and moved to 0 to 255.
    colours = (small[..., [2, 0]] - (small @ _LUMA)[..., np.newaxis]) * np.float32(0.5) + np.float32(128)
    both = np.concatenate([grey, np.moveaxis(colours, 2, 0).reshape(-1)])
    return (both + np.float32(0.5)).astype(np.uint8)


def greys(prints: Fingerprints) -> Floats:
    """The grey thumbnails, float32 `(N, SIDE, SIDE)`, 0 to 255."""
    return prints[:, :GREY_BYTES].reshape(-1, SIDE, SIDE).astype(np.float32)


def colours(prints: Fingerprints) -> Floats:
    """Blue and red less the brightness, halved: float32 `(N, 2, COLOUR_SIDE, COLOUR_SIDE)`, -113 to 113."""
    return prints[:, GREY_BYTES:].reshape(-1, 2, COLOUR_SIDE, COLOUR_SIDE).astype(np.float32) - np.float32(128)
