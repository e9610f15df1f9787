"""How good scores are: every figure that a user reads of a model comes from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.calibration import calibration_error, calibration_floor
from retrainer.metrics import accuracy_interval, correct, losses_of

_TOP = (2, 3, 5, 10)


@dataclass(frozen=True)
class ClassFigures:
    """How one class fared; all but the counts 0 to 1.

    Attributes:
        label: Its name.
        precision: The share of the photos taken for it that are of it, 0 where none is.
        recall: The share of its photos that are taken for it, 0 without photos.
        f1: The harmonic mean of the two.
        support: How many photos it has.
        correct: How many of them are taken for it.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    correct: int


@dataclass(frozen=True)
class Assessment:
    """What scores are worth, on N photos whose classes are known.

    Attributes:
        count: N.
        accuracy: The share whose highest score is their own class's, 0 to 1.
        interval: Where the accuracy on ever more such photos lies, with 95 % confidence.
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


def assess(labels: Sequence[str], scores: Floats, label_ids: Integers) -> Assessment:
    """Assesses the scores `(N, C)`, 0 to 1, of at least one photo whose class ids `(N,)` are known."""
    classes, count = len(labels), len(label_ids)
    predicted, right = scores.argmax(axis=1), correct(scores, label_ids)
    confusion = np.bincount(label_ids * classes + predicted, minlength=classes**2).reshape(classes, classes)
    counts = np.diag(confusion).tolist(), confusion.sum(axis=0).tolist(), confusion.sum(axis=1).tolist()
    figures = tuple(map(_figures, labels, *counts))
    present = [figure for figure in figures if figure.support]
    own, highest = scores[np.arange(count), label_ids], scores[np.arange(count), predicted]
    ranks = (scores > own[:, np.newaxis]).sum(axis=1)
    return Assessment(
        count=count,
        accuracy=float(right.mean()),
        interval=accuracy_interval(int(right.sum()), count),
        macro_precision=float(np.mean([figure.precision for figure in present])),
        macro_recall=float(np.mean([figure.recall for figure in present])),
        macro_f1=float(np.mean([figure.f1 for figure in present])),
        top={k: float((ranks < k).mean()) for k in _TOP if k < classes},
        log_loss=float(losses_of(scores, label_ids).mean()),
        calibration_error=calibration_error(highest, right),
        calibration_floor=calibration_floor(highest),
        classes=figures,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def _figures(label: str, hits: int, taken: int, support: int) -> ClassFigures:
    precision, recall = hits / max(taken, 1), hits / max(support, 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return ClassFigures(label, precision, recall, f1, support, hits)
