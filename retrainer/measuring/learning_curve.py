"""The learning curve: the accuracy with fewer training photos, and of which class more photos would help."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.events import CurveAdvanced, Detailed, Observer
from retrainer.measuring.assessment import Assessment, assess
from retrainer.measuring.cross_validation import CrossValidation, Folds, learnt_rows
from retrainer.measuring.thinning import ThinnedFolds
from retrainer.photos.positions import content_positions
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver
from retrainer.training.metrics import losses_of
from retrainer.training.regression import class_weights

_SHARES = (1 / 8, 1 / 4, 1 / 2)
# At most this many classes are measured, those with the largest losses; each takes as long as two cross-validations.
_CLASSES_HALVED = 8
# Advice needs a rise of the loss that is this many standard errors from chance and at least this large, nats, and at
# least this many photos.
_SURE, _LEAST_WORTH, _FEWEST_TO_TELL = 2.0, 0.001, 50
# The error that stands for none: half a photo of a thousand.
_SMALLEST_ERROR = 0.0005


@dataclass(frozen=True)
class CurvePoint:
    """A point of the curve.

    Attributes:
        photos: How many photos trained on average.
        accuracy: 0 to 1.
        interval: The 95 % confidence interval of the accuracy.
        macro_recall: The mean of the classes' recalls, 0 to 1.
    """

    photos: int
    accuracy: float
    interval: tuple[float, float]
    macro_recall: float

    @classmethod
    def of(cls, photos: int, figures: Assessment) -> "CurvePoint":
        """Returns the point of some figures."""
        return cls(photos, figures.accuracy, figures.interval, figures.macro_recall)


@dataclass(frozen=True)
class ClassWorth:
    """The worth of half of a class's training photos.

    Attributes:
        label: The class.
        loss: The rise of the mean log loss without them, nats. If classes are balanced, each counts alike in the mean.
        error: The standard error of the rise.
    """

    label: str
    loss: float
    error: float


@dataclass(frozen=True)
class LearningCurve:
    """The worth of training photos, measured by cross-validation.

    Attributes:
        points: With an eighth, a quarter, a half and all of the training photos; fewer points if some are the same.
        twice: Twice as many photos, and the accuracy to expect with them, 0 to 1.
        classes: The worth of half of each class's photos, the highest first, for the classes with the largest losses.
        help_most: The classes of which more photos would help most; none if no class stands out.
        tells: Whether there were enough photos for advice.
    """

    points: tuple[CurvePoint, ...]
    twice: tuple[int, float]
    classes: tuple[ClassWorth, ...]
    help_most: tuple[str, ...]
    tells: bool

    @property
    def rises(self) -> bool:
        """Whether the accuracy with the most photos is clearly above that with the fewest: no interval holds both."""
        first, last = self.points[0], self.points[-1]
        return first.interval[1] < last.interval[0]


def learning_curve(
    folds: Folds, examples: Examples, solver: Solver, full: CrossValidation, observer: Observer
) -> LearningCurve:
    """Cross-validates with fewer photos to learn from; the photos that test stay the same.

    Args:
        folds, examples, solver: As in `cross_validate`.
        full: The cross-validation with all training photos.
        observer: Is called with each figure.
    """
    dataset, counts = folds.dataset, folds.dataset.counts
    weights = class_weights(counts) if solver.balance.losses else np.ones(len(counts), np.float32)
    _, positions = content_positions(dataset, folds.seed)
    thinned = ThinnedFolds(folds, examples, solver, positions, weights[dataset.label_ids])
    points = _points(thinned, full, observer)
    labels, rises = _rises(thinned, full, observer)
    worths = tuple(ClassWorth(label, *_mean_and_error(rise)) for label, rise in zip(labels, rises, strict=True))
    twice = 2 * points[-1].photos
    tells = len(dataset.label_ids) >= _FEWEST_TO_TELL
    ahead = _ahead(labels, rises) if tells and full.assessment.accuracy < 1 else ()
    return LearningCurve(points, (twice, expected_accuracy(points, twice)), worths, ahead, tells)


def _points(thinned: ThinnedFolds, full: CrossValidation, observer: Observer) -> tuple[CurvePoint, ...]:
    """The points of the curve, the fewest photos first."""
    folds, groups = thinned.folds, thinned.examples.groups
    everything = sum(len(learnt_rows(fold, thinned.examples)) for fold in folds) // len(folds)
    points = {everything: CurvePoint.of(everything, full.assessment)}
    for number, share in enumerate(_SHARES, start=1):
        scores, photos = thinned.with_share(share)
        point = CurvePoint.of(photos, assess(folds.dataset.labels, scores, folds.dataset.label_ids, groups))
        observer(Detailed(f"Learning curve: {photos:,} photos: accuracy = {point.accuracy * 100:.1f}%"))
        observer(CurveAdvanced(number, len(_SHARES) + min(_CLASSES_HALVED, len(folds.dataset.labels))))
        points.setdefault(photos, point)
    return tuple(points[photos] for photos in sorted(points))


def _rises(thinned: ThinnedFolds, full: CrossValidation, observer: Observer) -> tuple[list[str], Floats]:
    """Labels, and how much the photos' losses rise without half of each one's photos, `(K, N)`; the highest first."""
    dataset = thinned.folds.dataset
    losses = losses_of(full.scores, dataset.label_ids)
    costs = np.bincount(dataset.label_ids, losses * thinned.weights, len(dataset.labels))
    asked = np.argsort(-costs)[:_CLASSES_HALVED]
    with_all = thinned.losses_with_all(full)
    rises = np.empty((len(asked), len(losses)), np.float32)
    for number, label_id in enumerate(asked):
        rises[number] = thinned.rises(int(label_id), with_all)
        rise = f"log loss {rises[number].mean():+.3f}"
        observer(Detailed(f"Learning curve: without half of '{dataset.labels[label_id]}': {rise}"))
        observer(CurveAdvanced(len(_SHARES) + number + 1, len(_SHARES) + len(asked)))
    order = np.argsort(-rises.mean(axis=1))
    return [dataset.labels[asked[number]] for number in order], rises[order]


def _ahead(labels: Sequence[str], rises: Floats) -> tuple[str, ...]:
    """The labels whose losses rise clearly, and not clearly less than the first; none if they are more than half.

    Args:
        labels: K labels, that of the highest rise first.
        rises: The rises of the photos' losses, `(K, N)`.
    """
    mean, error = _mean_and_error(rises[0])
    if mean < _SURE * error or mean < _LEAST_WORTH:
        return ()
    behind = [_mean_and_error(rises[0] - other) for other in rises]
    ahead = [label for label, (lead, doubt) in zip(labels, behind, strict=True) if lead <= _SURE * doubt]
    return tuple(ahead) if 2 * len(ahead) <= len(labels) else ()


def _mean_and_error(values: Floats) -> tuple[float, float]:
    """The mean of values `(N,)` and its standard error."""
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def expected_accuracy(points: Sequence[CurvePoint], photos: int) -> float:
    """Returns the accuracy to expect with a number of photos, 0 to 1, by a power law of the errors.

    errors = a * photos**-b, b at least 0, by least squares of the logarithms, each weighted by the errors that it
    stands on (Hestness et al., Deep Learning Scaling is Predictable, 2017, for the law).
    """
    if len(points) < 2:
        return points[-1].accuracy
    counts = np.array([point.photos for point in points], np.float64)
    errors = np.maximum([1 - point.accuracy for point in points], _SMALLEST_ERROR)
    weights = np.sqrt(errors)
    slope, offset = np.polyfit(np.log(counts), np.log(errors), 1, w=weights)
    if slope > 0:
        return points[-1].accuracy
    return max(points[-1].accuracy, float(1 - np.exp(offset + slope * np.log(photos))))
