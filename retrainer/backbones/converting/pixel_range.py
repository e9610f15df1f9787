"""The range of a network's own input, and the step to it from a bundle's [-1, 1]."""

from dataclasses import dataclass

from retrainer.arrays import Floats
from retrainer.network_input import INPUT_MEAN, INPUT_STD


@dataclass(frozen=True)
class PixelRange:
    """The range of a network's own input: `(pixel - mean) / std`, for pixels 0 to 255.

    Attributes:
        mean, std: The two numbers.
        stated: Whether the network or the user states them; otherwise they are a guess.
    """

    mean: float
    std: float
    stated: bool

    @property
    def is_symmetric(self) -> bool:
        """Whether the network takes [-1, 1], as bundles do."""
        return (self.mean, self.std) == (INPUT_MEAN, INPUT_STD)

    @property
    def step(self) -> tuple[float, float]:
        """The factor and the offset that turn [-1, 1] into the range."""
        return INPUT_STD / self.std, (INPUT_MEAN - self.mean) / self.std

    def of(self, picture: Floats) -> Floats:
        """Converts a picture in [-1, 1] to the range."""
        return (picture * INPUT_STD + INPUT_MEAN - self.mean) / self.std
