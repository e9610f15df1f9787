"""What numbers a network takes for a pixel, by what it does with them first."""

from collections.abc import Iterable

from retrainer.network_input import INPUT_MEAN, INPUT_STD

# What networks of a kind expect that do not show it: pixels 0 to 255 become (pixel - mean) / std.
PIXEL_RANGE = (0.0, 1.0)
UNIT_RANGE = (0.0, 255.0)  # TF-Hub's modules: tensorflow.org/hub/common_signatures/images
SYMMETRIC_RANGE = (INPUT_MEAN, INPUT_STD)

# What first layers take: symmetric numbers, units, units less a half or normalised by ImageNet's mean and deviation
# (torchvision's way), pixels less ImageNet's mean (Caffe's), and pixels.
_PIXELS = (0.0, 255.0)
_WANTED = ((-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5), (-2.1, 2.6), (-124.0, 151.0), _PIXELS)
_RANGES = {PIXEL_RANGE: _PIXELS, UNIT_RANGE: (0.0, 1.0), SYMMETRIC_RANGE: (-1.0, 1.0)}

Step = tuple[str, bool, float]
"""An operation with a constant: `mul`, `div`, `add` or `sub`, whether the picture comes first in it, the constant."""


def range_of(steps: Iterable[Step], usual: tuple[float, float]) -> tuple[float, float]:
    """Mean and std of what a network takes, by what it does before its first layer.

    Of pixels, units and [-1, 1] it is that which these steps turn into what first layers want.

    Args:
        steps: In their order.
        usual: The answer if they do not tell, or if there are none.
    """
    steps = tuple(steps)
    if not steps:
        return usual
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
                return usual

    def distance(taken: tuple[float, float]) -> float:
        low, high = sorted(factor * end + offset for end in _RANGES[taken])
        # Pixels need no steps to become pixels.
        wanted = _WANTED[:-1] if taken == PIXEL_RANGE else _WANTED
        return min((abs(low - a) + abs(high - b)) / (b - a) for a, b in wanted)

    nearest = min(_RANGES, key=distance)
    return usual if distance(usual) <= distance(nearest) else nearest
