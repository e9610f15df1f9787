"""What more photos would bring: accuracy with a part of the training photos, and of which class more would help."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.cross_validation import CrossValidation, Fold, held_out_logits
from retrainer.dataset import Dataset
from retrainer.head import softmax
from retrainer.metrics import accuracy_interval, correct, losses_of
from retrainer.options.retraining import RetrainOptions
from retrainer.splits import content_places
from retrainer.training.examples import Examples

_SHARES = (1 / 8, 1 / 4, 1 / 2)
# Each class that is asked about takes as long as a cross-validation; those that cost the most are asked about.
_CLASSES_HALVED = 8


@dataclass(frozen=True)
class CurvePoint:
    """How many photos trained on average, and the accuracy, 0 to 1, with its 95 % interval."""

    photos: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class ClassWorth:
    """What half of a class's training photos are worth.

    Attributes:
        label: The class.
        loss: By how much the mean log loss of all photos rises without them, nats.
        error: The standard error of that.
    """

    label: str
    loss: float
    error: float


@dataclass(frozen=True)
class LearningCurve:
    """What training photos are worth, measured by cross-validation.

    Attributes:
        points: With an eighth of the training photos, a quarter, a half, and all.
        twice: What twice as many photos let expect: how many, and the accuracy, 0 to 1.
        classes: What half of each class's photos are worth, the most first.
    """

    points: tuple[CurvePoint, ...]
    twice: tuple[int, float]
    classes: tuple[ClassWorth, ...]

    @property
    def helps_most(self) -> str:
        """The class of which more photos would help most; empty where what they are worth is within its error."""
        first = self.classes[0]
        return first.label if first.loss > 2 * first.error else ""


def learning_curve(
    folds: Sequence[Fold], dataset: Dataset, examples: Examples, options: RetrainOptions, full: CrossValidation
) -> LearningCurve:
    """Cross-validates with parts of the training photos; what validates and tests stays the same.

    Args:
        folds, dataset, examples, options: As cross-validated.
        full: What came of it with all training photos.
    """
    measure = _Measure(folds, dataset, examples, options)
    points = [measure.point(share) for share in _SHARES]
    trained = sum(len(fold.training) for fold in folds) // len(folds)
    points.append(CurvePoint(trained, full.assessment.accuracy, full.assessment.interval))
    losses = losses_of(full.scores, dataset.label_ids)
    costs = np.bincount(dataset.label_ids, losses, len(dataset.labels))
    worths = [measure.worth(int(label_id), losses) for label_id in np.argsort(-costs)[:_CLASSES_HALVED]]
    return LearningCurve(
        tuple(points),
        (2 * trained, expected_accuracy(points, 2 * trained)),
        tuple(sorted(worths, key=lambda worth: -worth.loss)),
    )


def expected_accuracy(points: Sequence[CurvePoint], photos: int) -> float:
    """The accuracy that a power law of the errors lets expect with so many photos, 0 to 1.

    errors = a * photos**-b, b at least 0, by least squares of the logarithms, each weighted by the errors that it
    stands on (Hestness et al., Deep Learning Scaling is Predictable, 2017, for the law).
    """
    counts = np.array([point.photos for point in points], np.float64)
    # Half an error of a thousand photos where there is none.
    errors = np.maximum([1 - point.accuracy for point in points], 0.0005)
    weights = np.sqrt(errors)
    slope, offset = np.polyfit(np.log(counts), np.log(errors), 1, w=weights)
    if slope > 0:
        return points[-1].accuracy
    return max(points[-1].accuracy, float(1 - np.exp(offset + slope * np.log(photos))))


@dataclass(frozen=True)
class _Measure:
    """Cross-validations with parts of the training photos."""

    folds: Sequence[Fold]
    dataset: Dataset
    examples: Examples
    options: RetrainOptions

    def point(self, share: float) -> CurvePoint:
        """The accuracy with a share of each class's training photos."""
        scores, trained = self._scores(share, range(len(self.dataset.labels)))
        right = int(correct(scores, self.dataset.label_ids).sum())
        return CurvePoint(trained, right / len(scores), accuracy_interval(right, len(scores)))

    def worth(self, label_id: int, losses: Floats) -> ClassWorth:
        """What half of a class's training photos are worth; the losses are those with all of them, `(N,)`."""
        scores, _ = self._scores(0.5, [label_id])
        rises = losses_of(scores, self.dataset.label_ids) - losses
        error = float(rises.std() / np.sqrt(len(rises)))
        return ClassWorth(self.dataset.labels[label_id], float(rises.mean()), error)

    def _scores(self, share: float, label_ids: Sequence[int]) -> tuple[Floats, int]:
        """Scores `(N, C)` with a share of the training photos of some classes, and how many trained on average."""
        _, places = content_places(self.dataset, self.options.seed)
        scores = np.empty((len(self.examples), len(self.dataset.labels)), np.float32)
        trained = 0

        def thinned(rows: Integers) -> Integers:
            """A smaller share is a part of a larger one."""
            nonlocal trained
            rows = rows[np.argsort(places[rows], kind="stable")]
            of_rows = self.dataset.label_ids[rows]
            kept = np.ones(len(rows), np.bool_)
            for label_id in label_ids:
                members = np.flatnonzero(of_rows == label_id)
                kept[members[max(1, round(len(members) * share)) :]] = False
            trained += int(kept.sum())
            return np.sort(rows[kept])

        for fold, logits, _ in held_out_logits(self.folds, self.dataset, self.examples, self.options, thinned):
            scores[fold.testing] = softmax(logits)
        return scores, trained // len(self.folds)
