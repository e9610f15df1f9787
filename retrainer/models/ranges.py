"""Infers which numbers a network takes for a pixel from its first operations."""

from collections.abc import Iterable

from retrainer.network_input import INPUT_MEAN, INPUT_STD

# Mean and std: a pixel, 0 to 255, becomes (pixel - mean) / std. Networks of one kind usually expect the same.
PIXEL_RANGE = (0.0, 1.0)
UNIT_RANGE = (0.0, 255.0)  # TF-Hub's modules: tensorflow.org/hub/common_signatures/images
SYMMETRIC_RANGE = (INPUT_MEAN, INPUT_STD)

# The lowest and highest number that first layers usually take: -1 to 1; 0 to 1; 0 to 1 minus a half, or normalised with
# ImageNet's mean and deviation as in torchvision; pixels minus ImageNet's mean as in Caffe; pixels.
_PIXELS = (0.0, 255.0)
_WANTED = ((-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5), (-2.1, 2.6), (-124.0, 151.0), _PIXELS)
_RANGES = {PIXEL_RANGE: _PIXELS, UNIT_RANGE: (0.0, 1.0), SYMMETRIC_RANGE: (-1.0, 1.0)}

Step = tuple[str, bool, float]
"""An operation, `mul`, `div`, `add` or `sub`; whether the picture is its first operand; the constant, the other one."""


def range_of(steps: Iterable[Step], usual: tuple[float, float]) -> tuple[float, float]:
    """Mean and std of a network's input, inferred from the operations before its first layer.

    Of 0 to 255, 0 to 1 and -1 to 1 it is the range that these operations turn into a usual range of first layers.

    Args:
        steps: The operations in their order.
        usual: The result if there are none, or if they do not show it.
    """
    steps = tuple(steps)
    combined = _combined(steps) if steps else None
    if combined is None:
        return usual
    factor, offset = combined

    def distance(taken: tuple[float, float]) -> float:
        low, high = sorted(factor * end + offset for end in _RANGES[taken])
        # Pixels need no steps to become pixels.
        wanted = _WANTED[:-1] if taken == PIXEL_RANGE else _WANTED
        return min((abs(low - a) + abs(high - b)) / (b - a) for a, b in wanted)

    nearest = min(_RANGES, key=distance)
    return usual if distance(usual) <= distance(nearest) else nearest


def _combined(steps: Iterable[Step]) -> tuple[float, float] | None:
    """The factor and the offset that operations amount to; None if they are not linear."""
    factor, offset = 1.0, 0.0
    for operation, first, value in steps:
        match operation:
            case "mul":
                factor, offset = factor * value, offset * value
            case "div" if first and value:
                factor, offset = factor / value, offset / value
            case "sub":
                factor, offset = (factor, offset - value) if first else (-factor, value - offset)
            case "add":
                offset += value
            case _:
                return None
    return factor, offset
