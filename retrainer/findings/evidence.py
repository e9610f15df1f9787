"""What finders look at: photos with their vectors, their parts, and scores by heads that did not see them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from retrainer.arrays import Floats, Integers, distinct
from retrainer.events import Observer, silent
from retrainer.findings.distances import ClassDistances, class_distances
from retrainer.findings.neighbours import Neighbours, directions_of, nearest
from retrainer.measuring.cross_validation import cross_validate, folds_of
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS, SplitOptions
from retrainer.photos.clean_list.finding import Finding, Kind
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part, Parts
from retrainer.preparation import Prepared, decided, split_of
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver
from retrainer.training.solvers import solver_of

# How many neighbours a photo has. Measured on the flowers: 10 to 40 find as many wrong labels, within 0.01.
NEIGHBOURS = 20
# Scores are means over other folds, as often as it takes seconds. Measured on the flowers with 5 % wrong labels: of as
# many suspects as find 85 % of them, 0.05 more are wrong with four times than with one; eight times bring no more.
_TIMES, _MOST_NUMBERS = 4, 2**26


@dataclass(frozen=True, eq=False)
class Evidence:
    """What finders look at.

    Attributes:
        dataset: N readable photos. Its groups hold copies together.
        examples: Their vectors, class ids and groups.
        parts: The part that each photo has in a run, `(N,)`.
        scores: Calibrated scores of each photo by a head that saw neither it nor its copies, `(N, C)`, 0 to 1.
    """

    dataset: Dataset
    examples: Examples
    parts: Parts
    scores: Floats

    @cached_property
    def neighbours(self) -> Neighbours:
        """The nearest photos of each photo; its copies are none."""
        return nearest(self.directions, self.examples.group_ids, NEIGHBOURS)

    @cached_property
    def votes(self) -> Floats:
        """The share of each class among a photo's neighbours, `(N, C)`, 0 to 1."""
        return self.neighbours.votes(self.dataset.label_ids, len(self.dataset.labels))

    @cached_property
    def class_distances(self) -> ClassDistances:
        """How far each photo is from its nearest class."""
        dataset = self.dataset
        return class_distances(self.directions, self.examples.group_ids, dataset.label_ids, len(dataset.labels))

    @cached_property
    def directions(self) -> Floats:
        """Unit vectors of the photos, `(N, K)`; see `directions_of`."""
        return directions_of(self.examples)

    @cached_property
    def different(self) -> Integers:
        """How many different photos each class has, `(C,)`; copies count as one."""
        pairs = np.unique(np.stack([self.examples.label_ids, self.examples.group_ids]), axis=1)
        return np.bincount(pairs[0], minlength=len(self.dataset.labels))

    def paths(self, rows: Integers) -> tuple[str, ...]:
        """Returns the paths of some photos."""
        return tuple(self.dataset.paths[row] for row in rows.tolist())

    def finding(self, row: int, kind: Kind, score: float, reason: str, **more: Any) -> Finding:
        """Returns a finding about a photo, with its path, digest, class and part.

        Args:
            row: The photo's row.
            kind, score, reason: As in `Finding`.
            more: Other fields of `Finding`, such as the suggestion.
        """
        dataset = self.dataset
        return Finding(
            kind=kind,
            path=dataset.paths[row],
            sha256=dataset.digests[row].tobytes().hex(),
            label=dataset.labels[int(dataset.label_ids[row])],
            score=float(score),
            reason=reason,
            part=Part(int(self.parts[row])).word,
            **more,
        )


def evidence_of(prepared: Prepared, options: RetrainOptions, observer: Observer) -> Evidence:
    """Returns the evidence of photos whose vectors have been extracted.

    Args:
        prepared: The photos.
        options: How `retrain` would split them and fit a head.
        observer: Is called with the events of a cross-validation, and with warnings of the split.

    Raises:
        DatasetError: no photo of a class trains.
    """
    dataset, examples = prepared.dataset, prepared.examples
    split = split_of(dataset, decided(options, dataset).split, observer)
    solver = solver_of(options.fit, dataset.counts, silent)
    return Evidence(
        dataset, examples, split.parts, out_of_fold_scores(dataset, examples, solver, options.seed, observer)
    )


def out_of_fold_scores(dataset: Dataset, examples: Examples, solver: Solver, seed: int, observer: Observer) -> Floats:
    """Returns calibrated scores of each photo by heads that saw neither it nor its copies, `(N, C)`.

    They are means over several cross-validations with other folds, unless one takes long.

    Args:
        dataset: N photos.
        examples: The same N photos.
        solver: Fits the heads.
        seed: Draws the folds.
        observer: Is called with the events of the first cross-validation.
    """
    different, classes = len(distinct(examples.group_ids)), len(dataset.labels)
    if different < 2:
        return np.full((len(examples), classes), 1 / classes, np.float32)
    times = max(1, min(_TIMES, _MOST_NUMBERS // (len(examples) * examples.matrix.shape[1] * classes)))
    total = np.zeros((len(examples), classes), np.float32)
    for number in range(times):
        folds = folds_of(dataset, SplitOptions(seed=(seed + number) % 2**63), min(FOLDS, different))
        total += cross_validate(folds, examples, solver, silent if number else observer).scores
    mean: Floats = total / np.float32(times)
    return mean
