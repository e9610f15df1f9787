"""The photos that a report shows one by one: their scores, their neighbours, and what speaks for their class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.measuring.measured import Measured
from retrainer.pages.report.contents import NearPhoto, SeenPhoto
from retrainer.reports.activations import Asked, activations
from retrainer.reports.figures import RunFigures
from retrainer.reports.left import Left
from retrainer.reports.photos import RunPhotos
from retrainer.reports.vectors import Vectors, nearest

_MISTAKES, _UNDECIDED, _NEAREST = 24, 12, 3


@dataclass(frozen=True, eq=False)
class Explained:
    """The photos of a run, and what explains them.

    Attributes:
        left: What the run left.
        photos, vectors, figures: Its photos, their vectors, and those that were measured.
        model_dir: The folder of the bundle that names the maps.
        with_activations: Whether to run photos for what speaks for their class.
    """

    left: Left
    photos: RunPhotos
    vectors: Vectors
    figures: RunFigures
    model_dir: str
    with_activations: bool

    def seen(self, numbers: Sequence[int]) -> list[SeenPhoto]:
        """Returns photos as a report shows them, by their numbers among those measured."""
        measured = self.figures.measured
        if measured is None or not numbers:
            return []
        rows = self.figures.rows[list(numbers)].tolist()
        near = nearest(self.photos, self.vectors, rows, _NEAREST)
        asked = [Asked(row, int(measured.predicted[n])) for row, n in zip(rows, numbers, strict=True)]
        maps: list[Floats | None] = [None] * len(rows)
        if self.with_activations:
            maps = activations(self.left, self.photos, self.vectors, asked, self.model_dir)
        return [
            SeenPhoto.of(measured, number, tuple(self._near(*one) for one in neighbours), places)
            for number, neighbours, places in zip(numbers, near, maps, strict=True)
        ]

    def _near(self, row: int, cosine: float) -> NearPhoto:
        label = self.photos.labels[self.photos.label_ids[row]]
        return NearPhoto(path=self.photos.paths[row], label=label, similarity=cosine)


def surest_mistakes(measured: Measured) -> list[int]:
    """The numbers of the wrong photos with the highest scores, the highest first."""
    wrong = measured.wrong
    order = np.argsort(-measured.scores.max(axis=1)[wrong], kind="stable")
    numbers: list[int] = wrong[order][:_MISTAKES].tolist()
    return numbers


def undecided(measured: Measured, without: Sequence[int]) -> list[int]:
    """The numbers of the photos nearest to the decision between two classes, the nearest first."""
    if measured.scores.shape[1] < 2:
        return []
    best = np.partition(measured.scores, -2, axis=1)[:, -2:]
    close = np.argsort(best[:, 1] - best[:, 0], kind="stable")[: _UNDECIDED + len(without)].tolist()
    listed = set(without)
    return [number for number in close if number not in listed][:_UNDECIDED]
