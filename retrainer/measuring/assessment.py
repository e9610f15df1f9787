"""How good scores are: every figure that a user reads of a model comes from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.measuring.calibration import calibration_error, calibration_floor
from retrainer.training.metrics import accuracy_interval, correct, losses_of

_TOP = (2, 3, 5, 10)


@dataclass(frozen=True)
class ClassFigures:
    """How one class fared; all but the counts 0 to 1, and None where it has no photos.

    Attributes:
        label: Its name.
        precision: The share of the photos taken for it that are of it, 0 where none is.
        recall: The share of its photos that are taken for it.
        f1: The harmonic mean of the two.
        support: How many photos it has.
        correct: How many of them are taken for it.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    correct: int


@dataclass(frozen=True)
class Assessment:
    """What scores are worth, on N photos whose classes are known.

    Attributes:
        count: N.
        accuracy: The share whose highest score is their own class's, 0 to 1.
        interval: Where the accuracy on ever more such photos lies, with 95 % confidence; copies count as one photo.
        macro_precision, macro_recall, macro_f1: Means over the classes that have photos.
        top: k -> the share whose own class is among the k highest scores.
        log_loss: Mean of -log(score of the photo's own class), nats.
        calibration_error: How far scores are from the accuracy they promise, 0 to 1.
        calibration_floor: What a perfectly calibrated model would show on as many photos, by chance.
        classes: Figures of each class.
        confusion: Photos of each class by the class that they are taken for: own class, then the other.
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


def calibration_of(scores: Floats, label_ids: Integers) -> tuple[float, float]:
    """The log loss, nats, and the calibration error, 0 to 1, of scores `(N, C)` of photos with class ids `(N,)`."""
    error = calibration_error(scores.max(axis=1), correct(scores, label_ids))
    return float(losses_of(scores, label_ids).mean()), error


def assess(labels: Sequence[str], scores: Floats, label_ids: Integers, groups: Integers | None = None) -> Assessment:
    """Assesses the scores `(N, C)`, 0 to 1, of at least one photo whose class ids `(N,)` are known.

    Photos of the same group `(N,)` are copies, which tell no more than one photo; by default there are none.
    """
    classes, count = len(labels), len(label_ids)
    taken = label_ids * classes + scores.argmax(axis=1)
    confusion = np.bincount(taken, minlength=classes**2).reshape(classes, classes)
    right = int(np.trace(confusion))
    different = count if groups is None else _effective(groups)
    counts = np.diag(confusion).tolist(), confusion.sum(axis=0).tolist(), confusion.sum(axis=1).tolist()
    figures = tuple(map(_figures, labels, *counts))
    present = np.array([(one.precision, one.recall, one.f1) for one in figures if one.support], np.float64)
    macro_precision, macro_recall, macro_f1 = present.mean(axis=0).tolist()
    log_loss, error = calibration_of(scores, label_ids)
    own = scores[np.arange(count), label_ids]
    ranks = (scores > own[:, np.newaxis]).sum(axis=1)
    return Assessment(
        count=count,
        accuracy=right / count,
        interval=accuracy_interval(right * different / count, different),
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


def _effective(groups: Integers) -> float:
    """How many photos tell as much as these do, if copies tell the same: Kish's effective sample size, 1965."""
    _, sizes = np.unique(groups, return_counts=True)
    return float(len(groups)) ** 2 / float(np.square(sizes, dtype=np.float64).sum())


def _figures(label: str, hits: int, taken: int, support: int) -> ClassFigures:
    if not support:
        return ClassFigures(label, None, None, None, 0, 0)
    precision, recall = hits / max(taken, 1), hits / support
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return ClassFigures(label, precision, recall, f1, support, hits)
