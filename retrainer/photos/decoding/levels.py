"""Numbers of any type -> the 256 levels of a picture."""

from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Pixels
from retrainer.errors import PictureError

# A picture whose brightest level is below this is nearly black.
_DARK = 16


def levels(numbers: npt.NDArray[Any], bits: int = 0) -> Pixels:
    """Scales numbers to 0 to 255.

    Whole numbers keep the upper eight of the fewest bits, an even number from eight on, that hold the largest of them.
    Other numbers are taken from 0 to 1 if none is larger, and else as whole numbers are. Numbers below zero, and those
    that would be nearly black, are stretched from the lowest to the largest.

    Args:
        numbers: Of any shape, of a whole or floating type.
        bits: How many of them count, if that is known; 0 if the numbers must tell.

    Returns:
        uint8 of the same shape.

    Raises:
        PictureError: they are not finite, or all the same and nearly black.
    """
    if not numbers.size:
        raise PictureError("damaged: it holds no numbers")
    lowest, largest = numbers.min(), numbers.max()
    if not (np.isfinite(lowest) and np.isfinite(largest)):
        raise PictureError("its numbers are not finite; expected no NaN and no infinity")
    fraction = numbers.dtype.kind == "f" and largest <= 1
    factor = 255.0 if fraction else 256.0 / 2.0 ** (bits or _bits_of(numbers.dtype, int(largest)))
    if lowest < 0 or float(largest) * factor < _DARK:
        return _stretched(numbers, float(lowest), float(largest))
    if numbers.dtype.kind in "ui" and factor <= 1:
        return (numbers >> int(-np.log2(factor))).astype(np.uint8)
    scaled = numbers.astype(np.float64) * factor
    return np.minimum(np.rint(scaled) if fraction else scaled, 255).astype(np.uint8)


def opaqueness(numbers: npt.NDArray[Any]) -> Pixels:
    """The levels of an alpha channel, which may be zero everywhere."""
    return levels(numbers) if numbers.any() else np.zeros(numbers.shape, np.uint8)


def _bits_of(kind: np.dtype[Any], largest: int) -> int:
    """The fewest bits, an even number from eight on, that hold a number; at most those of its type."""
    most = 8 * kind.itemsize - (kind.kind == "i") if kind.kind in "ui" else 1024
    return min(max(8, largest.bit_length() + largest.bit_length() % 2), most)


def _stretched(numbers: npt.NDArray[Any], lowest: float, largest: float) -> Pixels:
    if lowest == largest:
        raise PictureError(f"its numbers are all {lowest:g}; expected a picture")
    shares = (numbers.astype(np.float64) - lowest) / (largest - lowest)
    return np.rint(255 * shares).astype(np.uint8)
