"""Facts that are inferred from a model of any format that does not describe itself."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from retrainer.arrays import Floats
from retrainer.text import shown

_TOLERANCE = 1e-3


class Ending(StrEnum):
    """The kind of scores that a network ends with."""

    DISTRIBUTION = "distribution"
    """They are at least 0 and sum to 1."""
    INDEPENDENT = "independent"
    """Each is between 0 and 1, independent of the others."""
    UNKNOWN = "unknown"
    """They may be logits."""


@dataclass(frozen=True)
class Inferred:
    """Facts that are inferred from a network that does not describe itself.

    Attributes:
        input_node, output_node: Names of its nodes.
        input_size: S, pixels; 0 if it takes any size.
        mean, std: Its input is `(pixel - mean) / std`.
        range_known: Whether the file states or shows mean and std; otherwise they are assumed.
        ending: The kind of scores that it ends with.
        labels: The labels in the file; none if it holds none.
    """

    input_node: str
    output_node: str
    input_size: int
    mean: float
    std: float
    range_known: bool = field(default=False, compare=False)
    ending: Ending = field(default=Ending.UNKNOWN, compare=False)
    labels: tuple[str, ...] = field(default=(), compare=False)

    def with_range(self, mean: float | None, std: float | None) -> "Inferred":
        """Returns a copy with the user's mean and std; None keeps the inferred one."""
        if mean is None and std is None:
            return self
        mean, std = self.mean if mean is None else mean, self.std if std is None else std
        return replace(self, mean=mean, std=std, range_known=True)

    def notes(self, path: str, *, are_logits: bool) -> tuple[str, ...]:
        """What a user should know of the model at a path, one sentence each."""
        name = f"'{shown(path)}'"
        notes = {
            f"{name} takes (pixel - {self.mean:g}) / {self.std:g}. This is a guess, since nothing in the file says "
            "what pictures it takes; set --input_mean and --input_std if it is wrong.": not self.range_known,
            f"{name} gives logits, not probabilities; the scores are their softmax.": are_logits,
            f"{name} scores each label independently; the scores do not sum to 1.": self.ending is Ending.INDEPENDENT,
        }
        return tuple(note for note, holds in notes.items() if holds)


def is_distribution(scores: Floats) -> bool:
    """Whether scores `(C,)` are at least 0 and sum to 1."""
    return bool(scores.min(initial=0) >= 0 and abs(float(scores.sum()) - 1) <= _TOLERANCE)
