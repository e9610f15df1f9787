"""How good heads are on photos that they did not see, each photo once: K folds instead of one small test part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.errors import DatasetError
from retrainer.events import Noted, Observer, Warned
from retrainer.measuring.figures import Assessment, assess, calibration_of
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import stratified_folds
from retrainer.training.examples import Examples
from retrainer.training.fitting import fit
from retrainer.training.head import softmax
from retrainer.training.metrics import correct
from retrainer.training.out_of_fold import few


@dataclass(frozen=True, eq=False)
class Fold:
    """The rows of the photos that train, validate and test, each `(n,)`."""

    training: Integers
    validation: Integers
    testing: Integers

    @property
    def learnt(self) -> Integers:
        """What a head learns from: those that train, and the others that do not test if few validate."""
        if few(len(self.validation)):
            return np.concatenate([self.training, self.validation])
        return self.training


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What K heads made of the photos that they did not see.

    Attributes:
        accuracies: Of each fold, 0 to 1.
        assessment: Of all photos, each by the head of its fold.
        before: Their log loss, nats, and calibration error, 0 to 1, before calibration.
        scores: Of all photos, `(N, C)`, 0 to 1.
    """

    accuracies: tuple[float, ...]
    assessment: Assessment
    before: tuple[float, float]
    scores: Floats = field(repr=False)


def folds_of(dataset: Dataset, options: RetrainOptions, count: int) -> list[Fold]:
    """Stratified folds; of what a fold does not test the usual share validates.

    Raises:
        DatasetError: there are fewer different photos than folds.
    """
    tested_by = stratified_folds(dataset, count, options.seed)
    if (different := len(np.unique(tested_by))) < count:
        raise DatasetError(
            f"Expected at least {count} different photos, one for each fold, received {different}.",
            f"Add photos, or give --folds {different}." if different > 1 else "Add photos.",
        )
    share = options.validation_percentage / 100 / (1 - 1 / count)
    parts = max(2, round(1 / share)) if share else 0
    # Other folds, by other places, that cut across these.
    validated_by = stratified_folds(dataset, parts, options.seed + 1) if parts else np.full(len(tested_by), -1)
    folds = []
    for number in range(count):
        testing = tested_by == number
        validation = (validated_by == number % max(parts, 1)) & ~testing
        # What would be the last of a class to train does not validate.
        trained = np.bincount(dataset.label_ids[~testing & ~validation], minlength=len(dataset.labels)) > 0
        validation &= trained[dataset.label_ids]
        folds.append(Fold(*map(np.flatnonzero, (~testing & ~validation, validation, testing))))
    return folds


Thinning = Callable[[Fold], Fold]
"""A fold -> the same with fewer photos to learn from."""


def held_out_logits(
    folds: Sequence[Fold], dataset: Dataset, examples: Examples, options: RetrainOptions, thinning: Thinning
) -> Iterator[tuple[Fold, Floats, float]]:
    """Fits a head for each fold; gives its logits for the fold's test photos `(n, C)`, and its temperature."""
    for fold in folds:
        thinned = thinning(fold)
        training, validation = examples.at(thinned.training), examples.at(thinned.validation)
        trained = fit(training, validation, len(dataset.labels), options)
        yield fold, examples.at(fold.testing).logits(trained.head), trained.temperature


def cross_validate(
    folds: Sequence[Fold], dataset: Dataset, examples: Examples, options: RetrainOptions, observer: Observer
) -> CrossValidation:
    """Fits and tests a head for each fold, as the head that ships is fitted; `observer` is told of each.

    Args:
        folds, dataset: The folds of its photos.
        examples: Of all of them; heads learn from their views, but are always tested on the photos themselves.
        options: Those of the run.
        observer: Told of each fold, and warned of classes that it tests but does not learn.
    """
    _tell_of_unlearnt_classes(folds, dataset, observer)
    logits = np.empty((len(examples), len(dataset.labels)), np.float32)
    before, accuracies = logits.copy(), []
    fits = held_out_logits(folds, dataset, examples, options, lambda fold: fold)
    for number, (fold, given, temperature) in enumerate(fits, start=1):
        logits[fold.testing], before[fold.testing] = given, given * np.float32(temperature)
        right = correct(given, dataset.label_ids[fold.testing])
        accuracies.append(float(right.mean()))
        observer(Noted(f"Fold {number} of {len(folds)}: accuracy = {right.mean() * 100:.1f}% (N={len(right)})"))
    scores = softmax(logits)
    return CrossValidation(
        tuple(accuracies),
        assess(dataset.labels, scores, dataset.label_ids, examples.groups),
        calibration_of(softmax(before), dataset.label_ids),
        scores,
    )


def _tell_of_unlearnt_classes(folds: Sequence[Fold], dataset: Dataset, observer: Observer) -> None:
    """Warns of classes all of whose photos one fold tests, since they are copies, or one photo."""
    for number, fold in enumerate(folds, start=1):
        learnt, tested = (
            np.bincount(dataset.label_ids[rows], minlength=len(dataset.labels)) for rows in (fold.learnt, fold.testing)
        )
        for label_id in np.flatnonzero((learnt == 0) & (tested > 0)):
            label, count = dataset.labels[label_id], tested[label_id]
            photos = "its only photo counts" if count == 1 else f"its {count:,} photos count"
            observer(
                Warned(
                    f"All photos of '{label}' stay together in fold {number}, whose head does not learn '{label}': "
                    f"{photos} as wrong. Add different photos of it."
                )
            )
