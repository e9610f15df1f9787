"""Photos whose classes are known, with the scores that they got."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.errors import PackageError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Mistake:
    """A photo whose highest score (0 to 1) belongs to another class than its own.

    Attributes:
        path: The photo.
        label: Its own class.
        predicted: The class with the highest score.
        score: That score.
        scores: All scores, in the order of the labels.
    """

    path: str
    label: str
    predicted: str
    score: float
    scores: tuple[float, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Measured:
    """N photos with their own classes and their scores.

    Attributes:
        labels: C labels.
        paths: The photos.
        label_ids: Their own classes, `(N,)`.
        scores: Their scores, `(N, C)`, 0 to 1.
    """

    labels: tuple[str, ...]
    paths: Sequence[str] = field(repr=False)
    label_ids: Integers = field(repr=False)
    scores: Floats = field(repr=False)

    @cached_property
    def predicted(self) -> Integers:
        """The class with the highest score, `(N,)`."""
        predicted: Integers = self.scores.argmax(axis=1)
        return predicted

    @property
    def wrong(self) -> Integers:
        """The rows of the photos whose highest score is wrong, `(n,)`."""
        return np.flatnonzero(self.label_ids != self.predicted)

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The photos whose highest score is wrong, the highest scores first."""
        wrong = self.wrong
        surest = wrong[np.argsort(-self.scores[wrong, self.predicted[wrong]], kind="stable")]
        return tuple(map(self.mistake, surest.tolist()))

    def mistake(self, row: int) -> Mistake:
        """Returns a photo whose highest score is wrong."""
        scores, predicted = self.scores[row], self.predicted[row]
        own, taken = self.labels[self.label_ids[row]], self.labels[predicted]
        return Mistake(self.paths[row], own, taken, float(scores[predicted]), tuple(scores.tolist()))

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row for each photo: `path`, `label`, `predicted`, `score` (0 to 1) and `correct`.

        Raises:
            PackageError: pandas is not installed.
        """
        return dataframe(
            {
                "path": list(map(str, self.paths)),
                "label": [self.labels[label_id] for label_id in self.label_ids],
                "predicted": [self.labels[label_id] for label_id in self.predicted],
                "score": self.scores.max(axis=1).tolist(),
                "correct": (self.predicted == self.label_ids).tolist(),
            }
        )


def no_photos(labels: tuple[str, ...]) -> Measured:
    """No photos of some labels."""
    return Measured(labels, (), np.empty(0, np.int64), np.empty((0, len(labels)), np.float32))


def dataframe(columns: dict[str, list[Any]]) -> "pandas.DataFrame":
    """A DataFrame of columns.

    Raises:
        PackageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise PackageError("to_dataframe: expected pandas, which is not installed.", "pip install pandas") from error
    return pandas.DataFrame(columns)
