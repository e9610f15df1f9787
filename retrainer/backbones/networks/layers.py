"""A convolutional network as a table of rows; both files of a bundle are written from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FeatureMap
from retrainer.network_input import INPUT_MEAN, INPUT_STD


@dataclass(frozen=True, eq=False)
class Layer:
    """One row: a convolution with SAME padding, and what follows it.

    Attributes:
        name: The name of its output in both files.
        kernel: float32 `(K, K, I, O)`; `(K, K, C, 1)` of a depthwise convolution.
        biases: float32 `(O,)` or `(C,)`.
        stride: The step in pixels, in both directions.
        depthwise: Whether each channel is convolved alone.
        relu6: Whether the numbers are clipped to 0 to 6; otherwise the layer is linear.
        added: The earlier row whose output is added; empty if there is none.
    """

    name: str
    kernel: Floats
    biases: Floats
    stride: int = 1
    depthwise: bool = False
    relu6: bool = True
    added: str = ""

    def equals(self, other: "Layer") -> bool:
        """Whether two rows are the same, bit by bit."""
        facts, others = (
            (row.name, row.stride, row.depthwise, row.relu6, row.added, row.kernel.shape) for row in (self, other)
        )
        same = facts == others and np.array_equal(self.kernel, other.kernel)
        return same and np.array_equal(self.biases, other.biases)


@dataclass(frozen=True, eq=False)
class LayerTable:
    """A network that takes pictures of any size.

    Its features are the means of its maps, each times the map's factor, one behind the other.

    Attributes:
        rows: Its layers in the order in which they run.
        maps: The maps that the features are means of; the last one is the deepest.
        input_mean, input_std: The first row takes `(pixel - mean) / std`.
    """

    rows: tuple[Layer, ...]
    maps: tuple[FeatureMap, ...]
    input_mean: float = INPUT_MEAN
    input_std: float = INPUT_STD

    @property
    def depth(self) -> int:
        """D, the length of a feature vector."""
        return sum(one.depth for one in self.maps)

    @property
    def input_scale(self) -> tuple[float, float]:
        """Factor and offset that make the first row's input of pixels in [-1, 1]."""
        return INPUT_STD / self.input_std, (INPUT_MEAN - self.input_mean) / self.input_std

    def sides(self, size: int) -> Mapping[str, int]:
        """The side of each row's output in pixels, for pictures of a size."""
        sides = {}
        for row in self.rows:
            size = -(-size // row.stride)
            sides[row.name] = size
        return sides

    def equals(self, other: "LayerTable") -> bool:
        """Whether two tables are the same, bit by bit."""
        same = self.maps == other.maps and np.allclose(self.input_scale, other.input_scale, rtol=1e-6)
        return same and len(self.rows) == len(other.rows) and all(map(Layer.equals, self.rows, other.rows))
