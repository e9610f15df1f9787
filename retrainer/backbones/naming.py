"""What a user may say of a network, and what every way to a bundle takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats

LOGITS = "logits"
# How many pictures a bundle is compared with its source on.
COMPARED = 8
# What networks of a kind expect that do not show it: pixels 0 to 255 become (pixel - mean) / std.
PIXEL_RANGE = (0.0, 1.0)
UNIT_RANGE = (0.0, 255.0)  # TF-Hub's modules: tensorflow.org/hub/common_signatures/images
SYMMETRIC_RANGE = (127.5, 127.5)

Pictures = Callable[[int, int], Sequence[Floats]]
"""Size S and a number -> so many network inputs float32 `(S, S, 3)` in [-1, 1], or fewer where there are fewer."""


@dataclass(frozen=True)
class Naming:
    """What the user says of a network.

    Attributes:
        input_size: S, pixels, where it is known, otherwise 0.
        input_layer: The input's name, empty where it is to be inferred.
        input_mean, input_std: It sees `(pixel - mean) / std`; None where that is to be inferred.
        bottleneck_layer: The name of the output to take, empty for the pooled features, or `logits`.
    """

    input_size: int = 0
    input_layer: str = ""
    input_mean: float | None = None
    input_std: float | None = None
    bottleneck_layer: str = ""

    def seen(self, inferred: tuple[float, float]) -> tuple[float, float]:
        """Mean and std: what the user says, and for the rest what was inferred."""
        mean = inferred[0] if self.input_mean is None else self.input_mean
        return mean, inferred[1] if self.input_std is None else self.input_std


def ramp(size: int) -> Floats:
    """A picture `(size, size, 3)` in [-1, 1] for want of photos: each channel grows along another way."""
    line = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    return np.stack(np.broadcast_arrays(line[:, np.newaxis], line, line[::-1]), axis=-1)


def range_of(factor: float, offset: float, usual: tuple[float, float]) -> tuple[float, float]:
    """Mean and std of what a network takes whose first steps are `x * factor + offset`, means of the channels.

    Its layers expect numbers from -1 to 1, or of a deviation near 1.

    Args:
        factor, offset: Those steps together; 1 and 0 where there are none.
        usual: The answer where they do not tell.
    """
    # 1 / 255 to 1 / 57, ImageNet's deviation in pixels; or only ImageNet's mean subtracted, 104 to 124.
    if abs(factor) < 1 / 30 or abs(offset) > 30:
        return PIXEL_RANGE
    # 2 to 1 / 0.225, ImageNet's deviation in units; or only a half subtracted.
    if abs(factor) > 1.5 or 0.3 < abs(offset) < 0.7:
        return UNIT_RANGE
    return usual
