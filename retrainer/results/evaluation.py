"""The result of measuring a model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Integers
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.measured import Measured, Mistake

if TYPE_CHECKING:
    import pandas

_PARTS = {
    "given": "the given test photos",
    "test": "the model's own test photos",
    "unseen": "photos that the model did not see",
    "all": "all photos, whether or not the model learnt from them",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures of a model on photos whose classes are known.

    Attributes:
        graph, image_dir: The model, and the folder or table.
        part: `given` if only photos of the given test part were measured; `test` if only the model's own test photos
            were; `unseen` if photos that the model saw were left out and new ones were measured; `all` if all were.
        learnt: About the share (0 to 1) of the measured photos that the model learnt from.
        labels: The labels, in the order of the assessment's classes.
        assessment: All figures.
        measured: The photos with their scores.
        skipped: How many of the files that were read are no readable photos.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many photos were left out because the model learnt from them or was chosen by them.
    """

    graph: str
    image_dir: str
    part: str
    learnt: float
    labels: tuple[str, ...]
    assessment: Assessment
    measured: Measured
    skipped: int
    unlisted: int = 0
    left_out: int = 0

    @property
    def accuracy(self) -> float:
        """The share of photos that are right, 0 to 1."""
        return self.assessment.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy, 0 to 1."""
        return self.assessment.interval

    @property
    def count(self) -> int:
        """How many photos were measured."""
        return self.assessment.count

    @property
    def confusion(self) -> Integers:
        """How many photos of each class (row) are predicted as each class (column), int64 `(C, C)`."""
        return np.array(self.assessment.confusion, np.int64)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The photos that the model gets wrong, the highest scores first."""
        return self.measured.mistakes

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row for each photo measured: `path`, `label`, `predicted`, `score` (0 to 1) and `correct`.

        Raises:
            OptionError: pandas is not installed.
        """
        return self.measured.to_dataframe()

    def _repr_html_(self) -> str:
        from retrainer.pages.notebook import Outcome, outcome_html

        return outcome_html(
            lambda: Outcome(
                assessment=self.assessment,
                photos=_PARTS[self.part],
                facts={"Model": self.graph, "Photos": str(self.image_dir)},
                mistakes=self.mistakes,
            )
        )
