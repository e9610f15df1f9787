"""The result of comparing backbones."""

from dataclasses import dataclass

from retrainer.measuring.assessment import Assessment
from retrainer.measuring.paired import Paired


@dataclass(frozen=True)
class Compared:
    """The figures of one backbone.

    Attributes:
        architecture: The name that the caller gave.
        assessment: Figures of all photos by folds; each photo is tested by a head that did not see it.
        photos_per_second: How many photos this machine's processors read, decode and run in a second.
        model_bytes: Size of the `.tflite` that a retraining would write, without its labels.
        to_best: The difference to the most accurate backbone on the same photos; None for that backbone itself.
    """

    architecture: str
    assessment: Assessment
    photos_per_second: float
    model_bytes: int
    to_best: Paired | None = None


@dataclass(frozen=True)
class Comparison:
    """The figures of backbones, the most accurate first, and the names that failed with their reasons."""

    backbones: tuple[Compared, ...]
    failed: tuple[tuple[str, str], ...]
