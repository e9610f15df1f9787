"""Hints a user can give about a network, and helpers shared by all converters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.pixel_range import PixelRange
from retrainer.errors import BackboneError, OptionError
from retrainer.events import Noted, Observer, Warned, silent
from retrainer.options.backbone import BundleOptions
from retrainer.text import shown

LOGITS = "logits"
# Number of pictures on which a bundle is compared with its network.
COMPARED = 8
Pictures = Callable[[int, int], Sequence[Floats]]
"""Size S and a number -> at most that many network inputs float32 `(S, S, 3)` in [-1, 1]."""


@dataclass(frozen=True)
class Hints:
    """Hints a user can give about a network.

    Attributes:
        input_size: S, pixels; 0 if it is not known.
        input_layer: The name of the input; empty if it is to be inferred.
        input_mean, input_std: The network takes `(pixel - mean) / std`; None if the number is to be inferred.
        bottleneck_layer: The name of the layer to take the features from; empty for the pooled features, or `logits`.
        wanted_size: S that the user asks for, pixels; 0 for the network's own size.
    """

    input_size: int = 0
    input_layer: str = ""
    input_mean: float | None = None
    input_std: float | None = None
    bottleneck_layer: str = ""
    wanted_size: int = 0

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

    def pixel_range(self, inferred: tuple[float, float], *, stated: bool) -> PixelRange:
        """The mean and std that are given; a number that is not given is the inferred one.

        Args:
            inferred: Mean and std.
            stated: Whether the network states them.
        """
        mean = inferred[0] if self.input_mean is None else self.input_mean
        std = inferred[1] if self.input_std is None else self.input_std
        return PixelRange(mean, std, stated or (self.input_mean, self.input_std) != (None, None))


@dataclass(frozen=True)
class ConversionContext:
    """The inputs of a conversion besides the network.

    Attributes:
        pictures: The bundle is compared with its network on these.
        observer: Is called with an event that says how the network was understood.
        known_range: Whether the range of the network's input is known even if nothing in the network states it.
    """

    pictures: Pictures
    observer: Observer = silent
    known_range: bool = False

    def compared(self, size: int) -> Sequence[Floats]:
        """At most `COMPARED` network inputs `(size, size, 3)`; a drawn one if there are no photos."""
        return self.pictures(size, COMPARED) or [ramp(size)]

    def report(self, bundle: Bundle, layer: str, *, stated: bool) -> None:
        """Reports the range of a bundle's network and its layer of features; warns if the range is a guess.

        Args:
            bundle: The new bundle.
            layer: The name of the layer.
            stated: Whether the network or the user states the range.
        """
        facts = (
            f"'{shown(bundle.name)}' takes (pixel - {bundle.input_mean:g}) / {bundle.input_std:g} and gives "
            f"{bundle.depth:,} features, from '{shown(layer)}'"
        )
        if stated or self.known_range:
            self.observer(Noted(facts))
        else:
            self.observer(
                Warned(
                    f"{facts}. The mean and std are a guess, since nothing in the file says what pictures it takes; "
                    "set --input_mean and --input_std if it is wrong."
                )
            )


def refused_size(subject: str, own: int, wanted: int) -> BackboneError:
    """The error for `@SIZE` with a network that takes one size only."""
    return BackboneError(
        f"'{shown(subject)}' takes pictures of {own} pixels only; expected a network for any size, received @{wanted}.",
        f"Leave @{wanted} out.",
    )


def no_logits(subject: str) -> OptionError:
    """The error for `--bottleneck_layer logits` with a network that is no classifier."""
    return OptionError(
        f"--bottleneck_layer: expected a classifier, '{shown(subject)}' ends with features and has no logits.",
        "Leave the flag out.",
    )


def did_you_mean(names: Sequence[str]) -> str:
    """The fix that offers a few names; empty if there are none."""
    return f"Did you mean {' or '.join(map(shown, names))}?" if names else ""


def ramp(size: int) -> Floats:
    """A picture `(size, size, 3)` in [-1, 1] to use without photos; each channel is a ramp in another direction."""
    line = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    return np.stack(np.broadcast_arrays(line[:, np.newaxis], line, line[::-1]), axis=-1)
