"""Assesses scores: all figures of a model that a user reads come from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.events import Figures
from retrainer.measuring.calibration import calibration_error, calibration_floor
from retrainer.training.metrics import accuracy_interval, correct, losses_of

_TOP = (2, 3, 5, 10)
# More digits of an interval mean nothing, and arithmetic in binary may end in 0.9999999999.
_DIGITS = 6


@dataclass(frozen=True)
class ClassFigures:
    """The figures of one class; shares are 0 to 1, and None if it has no photos.

    Attributes:
        label: Its name.
        precision: The share of the photos predicted as it that are of it; 0 if none is predicted.
        recall: The share of its photos that are predicted as it.
        f1: The harmonic mean of the two.
        support: How many photos it has.
        correct: How many of them are predicted as it.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    correct: int


@dataclass(frozen=True)
class Assessment:
    """The figures of scores on N photos whose classes are known.

    Attributes:
        count: N.
        accuracy: The share of photos whose highest score is that of their own class, 0 to 1.
        interval: The 95 % confidence interval of the accuracy; copies count as one photo.
        macro_precision, macro_recall, macro_f1: Means over the classes that have photos.
        top: k -> the share of photos whose own class is among the k highest scores.
        log_loss: Mean of -log(score of the photo's own class), nats.
        calibration_error: How far scores are from the accuracy they promise, 0 to 1.
        calibration_floor: The calibration error that a perfectly calibrated model would show by chance.
        classes: Figures of each class.
        confusion: How many photos of each class are predicted as each class: own class, then predicted class.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    macro_precision: float
    macro_recall: float
    macro_f1: float
    top: Mapping[int, float]
    log_loss: float
    calibration_error: float
    calibration_floor: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def figures(self) -> Figures:
        """The figures that a history keeps."""
        return Figures(self.count, self.accuracy, self.interval, self.macro_recall, self.log_loss)


def calibration_of(scores: Floats, label_ids: Integers) -> tuple[float, float]:
    """Returns the log loss, nats, and the calibration error, 0 to 1, of scores `(N, C)` with class ids `(N,)`."""
    error = calibration_error(scores.max(axis=1), correct(scores, label_ids))
    return float(losses_of(scores, label_ids).mean()), error


def assess(labels: Sequence[str], scores: Floats, label_ids: Integers, groups: Integers | None = None) -> Assessment:
    """Assesses the scores `(N, C)`, 0 to 1, of at least one photo whose class ids `(N,)` are known.

    Photos of the same group `(N,)` are copies, which count as one photo in the interval; by default there are none.
    """
    classes, count = len(labels), len(label_ids)
    cells = label_ids * classes + scores.argmax(axis=1)
    confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    right = int(np.trace(confusion))
    different = count if groups is None else effective_count(groups)
    figures = class_figures(labels, confusion)
    present = np.array([(one.precision, one.recall, one.f1) for one in figures if one.support], np.float64)
    macro_precision, macro_recall, macro_f1 = present.mean(axis=0).tolist()
    log_loss, error = calibration_of(scores, label_ids)
    own = scores[np.arange(count), label_ids]
    ranks = (scores > own[:, np.newaxis]).sum(axis=1)
    low, high = accuracy_interval(right / count * different, different)
    return Assessment(
        count=count,
        accuracy=right / count,
        interval=(round(low, _DIGITS), round(high, _DIGITS)),
        macro_precision=macro_precision,
        macro_recall=macro_recall,
        macro_f1=macro_f1,
        top={k: float((ranks < k).mean()) for k in _TOP if k < classes},
        log_loss=log_loss,
        calibration_error=error,
        calibration_floor=calibration_floor(scores.max(axis=1)),
        classes=figures,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def class_figures(labels: Sequence[str], confusion: Integers) -> tuple[ClassFigures, ...]:
    """The figures of each class, given how many photos of each class (row) are predicted as each class, `(C, C)`."""
    counts = np.diag(confusion).tolist(), confusion.sum(axis=0).tolist(), confusion.sum(axis=1).tolist()
    return tuple(map(_figures, labels, *counts))


def effective_count(groups: Integers) -> float:
    """Kish's effective sample size (1965): the number of photos without copies that would tell as much."""
    _, sizes = np.unique(groups, return_counts=True)
    return float(len(groups)) ** 2 / float(np.square(sizes, dtype=np.float64).sum())


def _figures(label: str, hits: int, predicted: int, support: int) -> ClassFigures:
    if not support:
        return ClassFigures(label, None, None, None, 0, 0)
    precision, recall = hits / max(predicted, 1), hits / support
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return ClassFigures(label, precision, recall, f1, support, hits)
