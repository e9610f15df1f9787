"""What a user may say of a network, and what every way to a bundle takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle
from retrainer.errors import OptionError
from retrainer.events import Noted, Observer, Warned, silent
from retrainer.options.backbone import BundleOptions
from retrainer.system.files import shown

LOGITS = "logits"
# How many pictures a bundle is compared with its source on.
COMPARED = 8
Pictures = Callable[[int, int], Sequence[Floats]]
"""Size S and a number -> so many network inputs float32 `(S, S, 3)` in [-1, 1], or fewer where there are fewer."""


@dataclass(frozen=True)
class ConversionContext:
    """What a bundle is made on.

    Attributes:
        pictures: What its features are compared on with its source's.
        observer: Told how the network was understood.
        known_range: Whether the range of such networks is known even where nothing in them tells it.
    """

    pictures: Pictures
    observer: Observer = silent
    known_range: bool = False

    def compared(self, size: int) -> Sequence[Floats]:
        """A few pictures of a size to compare on, a drawn one for want of photos."""
        return self.pictures(size, COMPARED) or [ramp(size)]

    def tell(self, bundle: Bundle, layer: str, *, told: bool) -> None:
        """Tells what pictures a network takes and where its features come from; warns where that is a guess."""
        facts = (
            f"'{shown(bundle.name)}' takes (pixel - {bundle.input_mean:g}) / {bundle.input_std:g} and gives "
            f"{bundle.depth:,} features, from '{shown(layer)}'"
        )
        if told or self.known_range:
            self.observer(Noted(facts))
        else:
            self.observer(
                Warned(
                    f"{facts}. The range of its pictures is a guess, since nothing in the file says it; "
                    "--input_mean and --input_std say otherwise."
                )
            )


@dataclass(frozen=True)
class Hints:
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

    @classmethod
    def of(cls, options: BundleOptions, input_size: int = 0) -> "Hints":
        """The hints among the options of a backbone."""
        return cls(input_size, options.input_layer, options.input_mean, options.input_std, options.bottleneck_layer)

    @property
    def given(self) -> tuple[str, ...]:
        """The flags that give a hint, without dashes."""
        texts = {"bottleneck_layer": self.bottleneck_layer, "input_layer": self.input_layer}
        numbers = {"input_mean": self.input_mean, "input_std": self.input_std}
        return (
            *(flag for flag, text in texts.items() if text),
            *(flag for flag, number in numbers.items() if number is not None),
        )

    @property
    def says_range(self) -> bool:
        """Whether the user says what pictures the network takes."""
        return self.input_mean is not None or self.input_std is not None

    def seen(self, inferred: tuple[float, float]) -> tuple[float, float]:
        """Mean and std: what the user says, and for the rest what was inferred."""
        mean = inferred[0] if self.input_mean is None else self.input_mean
        return mean, inferred[1] if self.input_std is None else self.input_std


def no_logits(source: str) -> OptionError:
    """What `--bottleneck_layer logits` gets of a network that is no classifier."""
    return OptionError(
        f"--bottleneck_layer: expected a classifier, '{shown(source)}' ends with features and has no logits.",
        "Leave the flag out.",
    )


def did_you_mean(names: Sequence[str]) -> str:
    """The fix that offers a few names, empty where there is none."""
    return f"Did you mean {' or '.join(map(shown, names))}?" if names else ""


def ramp(size: int) -> Floats:
    """A picture `(size, size, 3)` in [-1, 1] for want of photos: each channel grows along another way."""
    line = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    return np.stack(np.broadcast_arrays(line[:, np.newaxis], line, line[::-1]), axis=-1)
