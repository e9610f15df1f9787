"""The figures of a run, and its photos with their scores: by folds, or else of the test photos."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Integers
from retrainer.measuring.assessment import Assessment, assess
from retrainer.measuring.measured import Measured
from retrainer.photos.parts import Part
from retrainer.reports.left import Left
from retrainer.reports.photos import RunPhotos
from retrainer.reports.vectors import Vectors
from retrainer.training.head import softmax


@dataclass(frozen=True, eq=False)
class RunFigures:
    """The figures of a run.

    Attributes:
        folds: The number of folds; 0 if test photos were measured.
        assessment: Their figures; None if no photo tested the model, or if these are not known any more.
        measured: The photos with their scores, as far as they are known; None if none is.
        rows: The rows of these photos among those of the run, `(n,)`.
        notes: What is missing, a sentence each.
    """

    folds: int
    assessment: Assessment | None
    measured: Measured | None
    rows: Integers
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> str:
        """Which photos were measured, in words; empty if none were."""
        if self.assessment is None:
            return ""
        return f"{self.folds:,} folds" if self.folds else "test photos"

    @property
    def baseline(self) -> float | None:
        """The accuracy of always answering the largest class on the same photos; None if it is not known."""
        if self.assessment is None:
            return None
        return max(one.support for one in self.assessment.classes) / self.assessment.count


def figures_of(left: Left, photos: RunPhotos, vectors: Vectors) -> RunFigures:
    """Returns the figures that the record states, or else those of the scores."""
    record, by_folds = left.record, photos.scores is not None
    rows = np.arange(len(photos.paths)) if by_folds else np.flatnonzero((photos.parts == Part.TESTING) & vectors.known)
    # Scores of folds that are lost are not those of the model itself.
    is_lost = record is not None and record.folds is not None and not by_folds
    measured = None if is_lost else _measured(left, photos, vectors, rows)
    stated = record.assessment if record else None
    assessment = stated
    if record is None and measured is not None:
        assessment = assess(measured.labels, measured.scores, measured.label_ids)
    folds = len(record.fold_accuracies) if record else (int(photos.folds.max()) if photos.folds is not None else 0)
    return RunFigures(folds, assessment, measured, rows, _notes(stated, measured))


def _measured(left: Left, photos: RunPhotos, vectors: Vectors, rows: Integers) -> Measured | None:
    """The photos with their scores; without folds, those by the model itself from the cached vectors."""
    if not len(rows):
        return None
    if photos.scores is not None:
        scores = photos.scores[rows]
    elif left.head is not None:
        scores = softmax(left.head.logits(vectors.matrix[vectors.rows[rows]]))
    return Measured(photos.labels, [photos.paths[row] for row in rows], photos.label_ids[rows], scores)


def _notes(stated: Assessment | None, measured: Measured | None) -> tuple[str, ...]:
    known = len(measured.paths) if measured else 0
    if stated is None or known == stated.count:
        return ()
    if known > stated.count:
        return (f"The figures are of {stated.count:,} of these {known:,} photos.",)
    return (
        f"The scores of {stated.count - known:,} of the {stated.count:,} photos measured are no longer known, so "
        "these photos are not listed. Retrain to see them.",
    )
