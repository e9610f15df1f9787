"""The result of comparing backbones."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrainer.answers.texts import plain
from retrainer.arrays import Integers
from retrainer.events import Cleaned, CopiesFound
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.measured import Measured, Mistake, dataframe
from retrainer.measuring.paired import Paired
from retrainer.measuring.shares import between, percent
from retrainer.reporting import Problem
from retrainer.results.fields import Fields, of_copies, of_decisions, of_problems
from retrainer.results.lines import line

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Compared:
    """The figures of one backbone.

    Attributes:
        architecture: The name that the caller gave.
        assessment: Figures of all photos by folds; each photo is tested by a head that did not see it.
        photos_per_second: How many photos this machine's processors read, decode and run in a second.
        model_bytes: Size of the `.tflite` that a retraining would write, without its labels.
        to_best: The difference to the most accurate backbone on the same photos; None for that backbone itself.
        measured: The photos with their scores.
    """

    architecture: str
    assessment: Assessment
    photos_per_second: float
    model_bytes: int
    to_best: Paired | None = None
    measured: Measured | None = field(default=None, compare=False, repr=False)

    @property
    def accuracy(self) -> float:
        """The share of photos that are right, 0 to 1."""
        return self.assessment.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy, 0 to 1."""
        return self.assessment.interval

    @property
    def confusion(self) -> Integers:
        """How many photos of each class (row) are predicted as each class (column), int64 `(C, C)`."""
        return np.array(self.assessment.confusion, np.int64)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The photos that were wrong, the highest scores first."""
        return self.measured.mistakes if self.measured else ()

    def to_dict(self) -> Fields:
        """The figures as values that JSON knows."""
        pair = self.to_best
        return {
            "architecture": self.architecture,
            "assessment": asdict(self.assessment),
            "photos_per_second": self.photos_per_second,
            "model_bytes": self.model_bytes,
            "to_best": pair
            and {
                "count": pair.count,
                "difference": pair.difference,
                "interval": pair.interval,
                "only_this_right": pair.only_first,
                "only_best_right": pair.only_second,
                "is_chance": pair.is_chance,
            },
        }


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The figures of backbones on the same photos.

    Attributes:
        backbones: The figures, the most accurate first.
        failed: The names that failed, with their reasons.
        image_dir: The folder or table of photos, as typed.
        copies: How many photos are copies; None if there are none.
        problems: All warnings, and all files and folders that were left out.
        cleaned: How many photos a list of decisions set aside and relabelled; None if there is no list.
    """

    backbones: tuple[Compared, ...]
    failed: tuple[tuple[str, str], ...]
    image_dir: str = ""
    copies: CopiesFound | None = None
    problems: tuple[Problem, ...] = ()
    cleaned: Cleaned | None = None

    def __repr__(self) -> str:
        heads = [
            f"{one.architecture}  {percent(one.accuracy)}, {between(one.interval)}; "
            f"{one.photos_per_second:,.0f} photos/s, {one.model_bytes / 1e6:.1f} MB"
            for one in self.backbones
        ]
        failed = [f"{name} failed: {reason}" for name, reason in self.failed]
        return "\n".join(
            [f"Comparison of {len(heads)} backbone{'s' * (len(heads) != 1)}", *map(line, [*heads, *failed])]
        )

    def to_dict(self) -> Fields:
        """The content of the document that `retrain --compare --json` prints, as values that JSON knows."""
        fields: Fields = plain(
            {
                "image_dir": self.image_dir,
                "backbones": [one.to_dict() for one in self.backbones],
                "failed": [{"architecture": name, "problem": problem} for name, problem in self.failed],
                "clean_list": of_decisions(self.cleaned),
                "duplicates": of_copies(self.copies),
                "problems": of_problems(self.problems),
            },
            str,
        )
        return fields

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row for each backbone, the most accurate first.

        Raises:
            PackageError: pandas is not installed.
        """
        rows = self.backbones
        return dataframe(
            {
                "architecture": [one.architecture for one in rows],
                "accuracy": [one.accuracy for one in rows],
                "low": [one.interval[0] for one in rows],
                "high": [one.interval[1] for one in rows],
                "photos_per_second": [one.photos_per_second for one in rows],
                "model_bytes": [one.model_bytes for one in rows],
            }
        )
