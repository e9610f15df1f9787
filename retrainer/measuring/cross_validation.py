"""How good heads are on photos that they did not see, each photo once: K folds instead of one small test part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from retrainer.arrays import Floats, Integers, distinct
from retrainer.errors import DatasetError
from retrainer.events import FoldTested, Observer, Warned
from retrainer.measuring.assessment import Assessment, assess, calibration_of
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import stratified_folds
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver, fit
from retrainer.training.head import softmax
from retrainer.training.metrics import correct
from retrainer.training.out_of_fold import few


@dataclass(frozen=True, eq=False)
class Fold:
    """The rows of the photos that train, validate and test, each `(n,)`."""

    training: Integers
    validation: Integers
    testing: Integers


def learnt_rows(fold: Fold, examples: Examples) -> Integers:
    """Returns the rows that the head of a fold learns from: those that train, and those that validate if these are few.

    Args:
        fold: Its rows.
        examples: All photos.
    """
    if few(examples.at(fold.validation)):
        return np.concatenate([fold.training, fold.validation])
    return fold.training


@dataclass(frozen=True, eq=False)
class Folds:
    """The photos of a dataset in folds.

    Attributes:
        dataset: N photos.
        seed: The seed that drew the folds.
        each: K folds; each photo is tested by one of them.
    """

    dataset: Dataset
    seed: int
    each: tuple[Fold, ...]

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.each)

    def __len__(self) -> int:
        return len(self.each)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The figures of K heads on the photos that they did not see.

    Attributes:
        accuracies: The accuracy of each fold, 0 to 1.
        assessment: The figures of all photos, each by the head of its fold.
        before: Their log loss, nats, and calibration error, 0 to 1, before calibration.
        scores: The scores of all photos, `(N, C)`, 0 to 1.
        tested_by: The fold whose head scored each photo, `(N,)`, 1 to K.
    """

    accuracies: tuple[float, ...]
    assessment: Assessment
    before: tuple[float, float]
    scores: Floats = field(repr=False)
    tested_by: Integers = field(repr=False)


def folds_of(dataset: Dataset, options: SplitOptions, count: int) -> Folds:
    """Returns stratified folds; the usual share of the photos that a fold does not test validates.

    Raises:
        DatasetError: there are fewer different photos than folds.
    """
    tested_by = stratified_folds(dataset, count, options.seed)
    if (different := len(distinct(tested_by))) < count:
        raise DatasetError(
            f"Expected at least {count} different photos, one for each fold, received {different}.",
            f"Add photos, or give --folds {different}." if different > 1 else "Add photos.",
        )
    share = options.validation_percentage / 100 / (1 - 1 / count)
    validating = max(2, round(1 / share)) if share else 0
    # Other folds, of another seed, that cut across these.
    other = stratified_folds(dataset, validating, options.seed + 1) if validating else np.full(len(tested_by), -1)
    folds = []
    for number in range(count):
        testing = tested_by == number
        validation = (other == number % max(validating, 1)) & ~testing
        # The last photos of a class that could train do not validate.
        trained = np.bincount(dataset.label_ids[~testing & ~validation], minlength=len(dataset.labels)) > 0
        validation &= trained[dataset.label_ids]
        folds.append(Fold(*map(np.flatnonzero, (~testing & ~validation, validation, testing))))
    return Folds(dataset, options.seed, tuple(folds))


Thinning = Callable[[Fold], Fold]
"""A fold -> the same with fewer photos to learn from."""


def held_out_logits(
    folds: Folds, examples: Examples, solver: Solver, thinning: Thinning
) -> Iterator[tuple[Fold, Floats, float]]:
    """Fits a head for each fold; yields its logits for the fold's test photos, `(n, C)`, and its temperature."""
    for fold in folds:
        thinned = thinning(fold)
        training, validation = examples.at(thinned.training), examples.at(thinned.validation)
        found = fit(training, validation, len(folds.dataset.labels), solver)
        yield fold, examples.at(fold.testing).logits(found.head), found.temperature


def cross_validate(folds: Folds, examples: Examples, solver: Solver, observer: Observer) -> CrossValidation:
    """Fits and tests a head for each fold, as the head that ships is fitted.

    Args:
        folds: N photos in folds.
        examples: The same N photos. Heads learn from their views, but are always tested on the photos themselves.
        solver: Fits the heads.
        observer: Is called with the accuracy of each fold, and with a warning if a fold tests a class that it does not
            learn.
    """
    _warn_of_unlearnt_classes(folds, examples, observer)
    dataset = folds.dataset
    logits = np.empty((len(examples), len(dataset.labels)), np.float32)
    before, tested_by, accuracies = logits.copy(), np.empty(len(examples), np.int64), []
    fits = held_out_logits(folds, examples, solver, lambda fold: fold)
    for number, (fold, given, temperature) in enumerate(fits, start=1):
        tested_by[fold.testing] = number
        logits[fold.testing], before[fold.testing] = given, given * np.float32(temperature)
        right = correct(given, dataset.label_ids[fold.testing])
        accuracies.append(float(right.mean()))
        observer(FoldTested(number, len(folds), accuracies[-1], len(right)))
    scores = softmax(logits)
    return CrossValidation(
        tuple(accuracies),
        assess(dataset.labels, scores, dataset.label_ids, examples.groups),
        calibration_of(softmax(before), dataset.label_ids),
        scores,
        tested_by,
    )


def unlearnt_classes(folds: Folds, examples: Examples) -> Iterator[tuple[int, int]]:
    """Yields the number of a fold, from 1, and the id of a class that it tests and does not learn.

    It tests all photos of the class, because they are copies or there is one photo only.
    """
    dataset = folds.dataset
    for number, fold in enumerate(folds, start=1):
        learnt, tested = (
            np.bincount(dataset.label_ids[rows], minlength=len(dataset.labels))
            for rows in (learnt_rows(fold, examples), fold.testing)
        )
        for label_id in np.flatnonzero((learnt == 0) & (tested > 0)):
            yield number, int(label_id)


def _warn_of_unlearnt_classes(folds: Folds, examples: Examples, observer: Observer) -> None:
    dataset = folds.dataset
    for number, label_id in unlearnt_classes(folds, examples):
        label, count = dataset.labels[label_id], dataset.counts[label_id]
        photos = "its only photo counts" if count == 1 else f"its {count:,} photos count"
        observer(
            Warned(
                f"All photos of '{label}' stay together in fold {number}, whose head does not learn '{label}': "
                f"{photos} as wrong. Add different photos of it.",
                "{count} classes have all their photos in one fold, whose head does not learn them, so that these "
                "photos count as wrong: {names}. Add different photos of these classes.",
                f"'{label}'",
            )
        )
