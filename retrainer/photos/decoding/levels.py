"""Numbers of any type -> the 256 levels of a picture's pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Pixels
from retrainer.errors import PictureError

# A picture whose brightest level is below this is nearly black.
_DARK = 16


def levels(numbers: npt.NDArray[Any], bits: int = 0) -> Pixels:
    """Scales numbers to 0 to 255.

    Whole numbers have the fewest bits that hold the largest of them, 8, 10, 12 …, of which the upper eight are kept.
    Floating numbers range from 0 to 1; if one is larger, they are scaled as whole numbers are. If some are negative, or
    if the picture would be nearly black, the range from the lowest to the largest is stretched to 0 to 255.

    Args:
        numbers: Integers or floats of any shape.
        bits: The bits that count, if known; 0 if the numbers decide.

    Returns:
        uint8 of the same shape.

    Raises:
        PictureError: the numbers are not finite, or they are nearly black and all the same.
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
    """Scales an alpha channel to 0 to 255; unlike a picture it may be 0 everywhere."""
    return levels(numbers) if numbers.any() else np.zeros(numbers.shape, np.uint8)


def _bits_of(kind: np.dtype[Any], largest: int) -> int:
    """The fewest bits that hold a number, of 8, 10, 12 …; at most those of its type."""
    most = 8 * kind.itemsize - (kind.kind == "i") if kind.kind in "ui" else 1024
    return min(max(8, largest.bit_length() + largest.bit_length() % 2), most)


def _stretched(numbers: npt.NDArray[Any], lowest: float, largest: float) -> Pixels:
    if lowest == largest:
        raise PictureError(f"its numbers are all {lowest:g}; expected a picture")
    shares = (numbers.astype(np.float64) - lowest) / (largest - lowest)
    return np.rint(255 * shares).astype(np.uint8)
