"""What more photos would bring: accuracy with a part of the training photos, and of which class more would help."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.events import Noted, Observer
from retrainer.measuring.assessment import assess
from retrainer.measuring.cross_validation import CrossValidation, Fold, Folds, held_out_logits
from retrainer.photos.splits import Positions, content_positions
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver
from retrainer.training.head import softmax
from retrainer.training.metrics import losses_of
from retrainer.training.out_of_fold import few
from retrainer.training.regression import class_weights

_SHARES = (1 / 8, 1 / 4, 1 / 2)
# Each class that is asked about takes as long as two cross-validations; those that cost the most are asked about.
_CLASSES_HALVED = 8
# What is advised is two standard errors from chance, worth a thousandth of a nat, and drawn from so many photos.
_SURE, _LEAST_WORTH, _FEWEST_TO_TELL = 2.0, 0.001, 50


@dataclass(frozen=True)
class CurvePoint:
    """How many photos trained on average; the accuracy, 0 to 1, its 95 % interval, and the mean of the classes'."""

    photos: int
    accuracy: float
    interval: tuple[float, float]
    macro_recall: float


@dataclass(frozen=True)
class ClassWorth:
    """What half of a class's training photos are worth.

    Attributes:
        label: The class.
        loss: By how much the mean log loss rises without them, nats; the mean of the classes' where they are balanced.
        error: The standard error of that.
    """

    label: str
    loss: float
    error: float


@dataclass(frozen=True)
class LearningCurve:
    """What training photos are worth, measured by cross-validation.

    Attributes:
        points: With an eighth of the training photos, a quarter, a half, and all; fewer where these are the same.
        twice: What twice as many photos let expect: how many, and the accuracy, 0 to 1.
        classes: What half of each class's photos are worth, the most first, of those classes that cost the most.
        help_most: The classes of which more photos would help most, as far as can be told; none where all are alike.
        tells: Whether there were photos enough to tell anything of more.
    """

    points: tuple[CurvePoint, ...]
    twice: tuple[int, float]
    classes: tuple[ClassWorth, ...]
    help_most: tuple[str, ...]
    tells: bool


def learning_curve(
    folds: Folds, examples: Examples, solver: Solver, full: CrossValidation, observer: Observer
) -> LearningCurve:
    """Cross-validates with parts of the photos that heads learn from; the photos that test stay the same.

    Args:
        folds, examples, solver: As in `cross_validate`.
        full: The cross-validation with all training photos.
        observer: Is called with each figure.
    """
    dataset, counts = folds.dataset, folds.dataset.counts
    weights = class_weights(counts) if solver.balanced else np.ones(len(counts), np.float32)
    _, positions = content_positions(dataset, folds.seed)
    measure = _Measure(folds, examples, solver, positions, weights[dataset.label_ids])
    everything = sum(len(fold.learnt) for fold in folds) // len(folds)
    figures = full.assessment
    points = {everything: CurvePoint(everything, figures.accuracy, figures.interval, figures.macro_recall)}
    for share in _SHARES:
        point = measure.point(share)
        observer(Noted(f"Learning curve: {point.photos:,} photos: accuracy = {point.accuracy * 100:.1f}%"))
        points.setdefault(point.photos, point)
    ordered = [points[photos] for photos in sorted(points)]
    losses = losses_of(full.scores, dataset.label_ids)
    costs = np.bincount(dataset.label_ids, losses * measure.weights, len(counts))
    asked = np.argsort(-costs)[:_CLASSES_HALVED]
    with_all = measure.losses_with_all(full)
    rises = np.empty((len(asked), len(losses)), np.float32)
    for place, label_id in enumerate(asked):
        rises[place] = measure.rises(int(label_id), with_all)
        rise = f"log loss {rises[place].mean():+.3f}"
        observer(Noted(f"Learning curve: without half of '{dataset.labels[label_id]}': {rise}"))
    order = np.argsort(-rises.mean(axis=1))
    labels = [dataset.labels[asked[place]] for place in order]
    worths = tuple(
        ClassWorth(label, *_mean_and_error(rises[place])) for label, place in zip(labels, order, strict=True)
    )
    twice = 2 * everything, expected_accuracy(ordered, 2 * everything)
    tells = len(losses) >= _FEWEST_TO_TELL
    ahead = _ahead(labels, rises[order]) if tells and figures.accuracy < 1 else ()
    return LearningCurve(tuple(ordered), twice, worths, ahead, tells)


def _ahead(labels: Sequence[str], rises: Floats) -> tuple[str, ...]:
    """The labels whose losses, `(K, N)`, most first, rise clearly, and no less than the first as far as one can tell.

    None where that is more than half of the labels.
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
    """The accuracy that a power law of the errors lets expect with so many photos, 0 to 1.

    errors = a * photos**-b, b at least 0, by least squares of the logarithms, each weighted by the errors that it
    stands on (Hestness et al., Deep Learning Scaling is Predictable, 2017, for the law).
    """
    if len(points) < 2:
        return points[-1].accuracy
    counts = np.array([point.photos for point in points], np.float64)
    # Half an error of a thousand photos where there is none.
    errors = np.maximum([1 - point.accuracy for point in points], 0.0005)
    weights = np.sqrt(errors)
    slope, offset = np.polyfit(np.log(counts), np.log(errors), 1, w=weights)
    if slope > 0:
        return points[-1].accuracy
    return max(points[-1].accuracy, float(1 - np.exp(offset + slope * np.log(photos))))


@dataclass(frozen=True, eq=False)
class _Measure:
    """Cross-validations with parts of the training photos.

    Attributes:
        folds, examples, solver: As in `cross_validate`.
        positions: In whose order parts are taken, `(N,)`.
        weights: What photos count in losses, `(N,)`.
    """

    folds: Folds
    examples: Examples
    solver: Solver
    positions: Positions
    weights: Floats

    def point(self, share: float) -> CurvePoint:
        """The accuracy with a share of each class's training photos."""
        scores, trained = self._scores((0.0, share), range(len(self.folds.dataset.labels)))
        figures = assess(self.folds.dataset.labels, scores, self.folds.dataset.label_ids, self.examples.groups)
        return CurvePoint(trained, figures.accuracy, figures.interval, figures.macro_recall)

    def losses_with_all(self, full: CrossValidation) -> Floats:
        """What rises are measured from, `(N,)`: the photos' losses with all training photos, by `full` if that fits."""
        if not any(few(len(fold.validation)) for fold in self.folds):
            return losses_of(full.scores, self.folds.dataset.label_ids)
        return losses_of(self._scores((0.0, 1.0), (), plainly=True)[0], self.folds.dataset.label_ids)

    def rises(self, label_id: int, losses: Floats) -> Floats:
        """By how much the photos' losses `(N,)` rise without half of a class's training photos.

        The mean of two measures, without the one half and without the other.
        """
        halves = [self._scores(half, [label_id], plainly=True)[0] for half in ((0.0, 0.5), (0.5, 1.0))]
        without = np.mean([losses_of(scores, self.folds.dataset.label_ids) for scores in halves], axis=0)
        rises: Floats = (without - losses) * self.weights
        return rises

    def _scores(
        self, part: tuple[float, float], label_ids: Sequence[int], *, plainly: bool = False
    ) -> tuple[Floats, int]:
        """Scores `(N, C)` with a part of the training photos of some classes, and how many trained on average.

        Args:
            part: From which share to which, 0 to 1, in the order of the photos' positions.
            label_ids: The classes; all photos of others train.
            plainly: If few photos validate, whether heads have the usual penalty, which takes a sixth of the time.
        """
        scores = np.empty((len(self.examples), len(self.folds.dataset.labels)), np.float32)
        trained = 0

        def thinned(fold: Fold) -> Fold:
            nonlocal trained
            training, validation = fold.training, fold.validation
            if few(len(validation)):
                # The head learns from them, too.
                training = fold.learnt if plainly else training
                validation = validation[:0] if plainly else self._part_of(validation, part, label_ids)
            some = Fold(self._part_of(training, part, label_ids), validation, fold.testing)
            trained += len(some.learnt)
            return some

        for fold, logits, _ in held_out_logits(self.folds, self.examples, self.solver, thinned):
            scores[fold.testing] = softmax(logits)
        return scores, trained // len(self.folds)

    def _part_of(self, rows: Integers, part: tuple[float, float], label_ids: Sequence[int]) -> Integers:
        """A part of the rows of some classes, one at least, and all rows of others; see `_scores`."""
        rows = rows[np.argsort(self.positions[rows], kind="stable")]
        of_rows = self.folds.dataset.label_ids[rows]
        kept = np.ones(len(rows), np.bool_)
        for label_id in label_ids:
            members = np.flatnonzero(of_rows == label_id)
            start = min(round(len(members) * part[0]), max(len(members) - 1, 0))
            end = max(round(len(members) * part[1]), start + 1)
            kept[members] = False
            kept[members[start:end]] = True
        return np.sort(rows[kept])
