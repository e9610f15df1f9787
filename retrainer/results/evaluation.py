"""The result of measuring a model."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrainer.answers.texts import plain
from retrainer.arrays import Integers
from retrainer.events import Cleaned
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.measured import Measured, Mistake
from retrainer.measuring.shares import between, percent
from retrainer.reporting import Problem
from retrainer.results.fields import Fields, of_decisions, of_mistakes, of_problems
from retrainer.results.lines import line, of_texts

if TYPE_CHECKING:
    import pandas

_PARTS = {
    "given": "the given test photos",
    "test": "the model's own test photos",
    "unseen": "photos that the model did not see",
    "all": "all photos, whether or not the model learnt from them",
}


@dataclass(frozen=True, eq=False, repr=False)
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
        cleaned: How many photos decisions set aside and relabelled; None if there are no decisions.
        problems: All warnings, and all files and folders that were left out.
        warnings: A line for the warnings of each kind.
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
    cleaned: Cleaned | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        head = f"{percent(self.accuracy)} of {self.count:,} photos right, {between(self.interval)} with 95 % confidence"
        surest = [f"{one.path}: {one.predicted}, {percent(one.score)}" for one in self.mistakes]
        lines = [line(f"{self.graph} on {self.image_dir} ({self.part})", "model"), *of_texts("mistakes", surest)]
        return "\n".join([f"Evaluation: {head}", *lines, *of_texts("warnings", self.warnings)])

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
            PackageError: pandas is not installed.
        """
        return self.measured.to_dataframe()

    def to_dict(self) -> Fields:
        """The content of the document that `evaluate --json` prints, as values that JSON knows.

        The table of `--mistakes` has the scores of all classes, too.
        """
        fields: Fields = plain(
            {
                "graph": self.graph,
                "image_dir": self.image_dir,
                "part": self.part,
                "learnt": self.learnt,
                "labels": self.labels,
                "skipped": self.skipped,
                "unlisted": self.unlisted,
                "left_out": self.left_out,
                "clean_list": of_decisions(self.cleaned),
                "assessment": asdict(self.assessment),
                "mistakes": of_mistakes(self.measured),
                "problems": of_problems(self.problems),
            },
            str,
        )
        return fields

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
