"""What finders look at: photos with their vectors, their parts, and scores by heads that did not see them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from retrainer.arrays import Floats, distinct
from retrainer.events import Observer
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
            part=Part(int(self.parts[row])).name.lower(),
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
    solver = solver_of(options.fit, dataset.counts, observer)
    return Evidence(
        dataset, examples, split.parts, out_of_fold_scores(dataset, examples, solver, options.seed, observer)
    )


def out_of_fold_scores(dataset: Dataset, examples: Examples, solver: Solver, seed: int, observer: Observer) -> Floats:
    """Returns calibrated scores of each photo by a head that saw neither it nor its copies, `(N, C)`.

    Args:
        dataset: N photos.
        examples: The same N photos.
        solver: Fits the heads.
        seed: Draws the folds.
        observer: Is called as in `cross_validate`.
    """
    different = len(distinct(examples.group_ids))
    if different < 2:
        return np.full((len(examples), len(dataset.labels)), 1 / len(dataset.labels), np.float32)
    folds = folds_of(dataset, SplitOptions(seed=seed), min(FOLDS, different))
    return cross_validate(folds, examples, solver, observer).scores
