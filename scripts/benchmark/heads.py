"""Measures heads: L-BFGS, the tutorial's gradient descent and scikit-learn; calibration; and "none of these".

    pip install -e '.[benchmark]'
    python -m scripts.benchmark.heads --photos FOLDER --others FOLDER [--model_dir DIR] [NAME...]

A NAME is a value of `--architecture`, by default `pocket`. Accuracies come from five folds; each photo is tested once.
The two folders have no class in common.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from retrainer.arrays import Bools, Floats, Integers, normalised
from retrainer.backbones.available import EMBEDDED
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.extraction import extract
from retrainer.bottlenecks.inputs import sample_inputs
from retrainer.events import silent
from retrainer.feature_source import feature_extraction
from retrainer.measuring.cross_validation import Fold, Folds, cross_validate, folds_of
from retrainer.measuring.learning_curve import learning_curve
from retrainer.options.fit import FitOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS, SplitOptions
from retrainer.photos.dataset import Dataset, dataset_of
from retrainer.photos.positions import content_positions
from retrainer.photos.scanning import scan
from retrainer.system.process import one_blas_thread
from retrainer.training.examples import Examples
from retrainer.training.fitting import Balance, fit
from retrainer.training.gradient_descent import GradientDescentSolver
from retrainer.training.head import Head, softmax
from retrainer.training.lbfgs_solver import LbfgsSolver
from retrainer.training.metrics import correct, losses_of
from retrainer.training.outliers import fit_rejection
from scripts.benchmark.tables import Table, machine, machine_markdown

SEEDS = (0, 1, 2)
FEW = 20
LBFGS = LbfgsSolver.of(FitOptions(), Balance())
SGD = GradientDescentSolver.of(FitOptions(how_many_training_steps=500), Balance())
Scorer = Callable[[Floats], Floats]
"""Takes features `(N, D)` and returns how strange each photo is, `(N,)`; higher is stranger."""


@dataclass(frozen=True)
class Set:
    """Photos, and their feature vectors by one backbone, whose deepest map gives the `last` features."""

    dataset: Dataset
    examples: Examples
    last: int = 0

    def folds(self, seed: int, per_class: int = 0) -> Folds:
        """Five folds; at most `per_class` photos of each class to learn from, an eighth of them to validate, or all."""
        folds = folds_of(self.dataset, SplitOptions(seed=seed), FOLDS)
        if not per_class:
            return folds
        validating = round(per_class / 8)
        few = partial(self._few, content_positions(self.dataset, seed)[1])
        fewer = (
            Fold(few(fold.training, per_class - validating), few(fold.validation, validating), fold.testing)
            for fold in folds
        )
        return Folds(self.dataset, seed, tuple(fewer))

    def only(self, which: Bools) -> "Set":
        """The photos of a mask `(N,)`; classes without photos are left out."""
        rows = np.flatnonzero(which)
        old, label_ids = np.unique(self.dataset.label_ids[rows], return_inverse=True)
        labels, paths = (self.dataset.labels[i] for i in old), (self.dataset.paths[i] for i in rows)
        dataset = Dataset(tuple(labels), tuple(paths), label_ids, self.dataset.digests[rows])
        return Set(dataset, Examples(self.examples.matrix, self.examples.rows[rows], label_ids), self.last)

    def _few(self, positions: Any, rows: Integers, count: int) -> Integers:
        rows = rows[np.argsort(positions[rows], kind="stable")]
        classes = range(len(self.dataset.labels))
        return np.sort(np.concatenate([rows[self.dataset.label_ids[rows] == c][:count] for c in classes]))


def loaded(photos: str, architecture: str, model_dir: str) -> Set:
    """The photos of a folder with their vectors, which come from the cache if they are there."""
    options = RetrainOptions(image_dir=photos, architecture=architecture, model_dir=model_dir)
    files = scan(photos, silent)
    bundle = bundle_of(resolve(architecture, options), options, partial(sample_inputs, files.paths), silent)
    features = extract(files.paths, files.stamps, feature_extraction(bundle, options, silent), silent)
    dataset = dataset_of(files, features.readable, features.digests, silent)
    examples = Examples(features.matrix, features.rows[:, 0], dataset.label_ids)
    return Set(dataset, examples, bundle.maps[-1].depth if bundle.maps else 0)


def solvers(name: str, photos: Set) -> Iterator[tuple[Any, ...]]:
    """Yields a row for each number of photos and seed, and their means."""
    for per_class in (0, FEW):
        rows = []
        for seed in SEEDS:
            folds = photos.folds(seed, per_class)
            both = [cross_validate(folds, photos.examples, solver, silent) for solver in (LBFGS, SGD)]
            ours, theirs = (result.assessment for result in both)
            others = accuracy_of_the_tutorial(photos, folds), accuracy_of_scikit_learn(photos, folds)
            rows.append((ours.accuracy, *others, theirs.accuracy, ours.log_loss, theirs.log_loss))
            yield (name, per_class or "all", seed, *map(_percent, rows[-1][:4]), *rows[-1][4:])
        means = [statistics.mean(column) for column in zip(*rows, strict=True)]
        yield (name, per_class or "all", "mean", *map(_percent, means[:4]), *means[4:])


def accuracy_of_the_tutorial(photos: Set, folds: Folds) -> float:
    """The accuracy of gradient descent's last weights; without validation photos no better ones can be chosen."""
    right = 0
    for fold in folds:
        training, nothing = photos.examples.at(fold.training), photos.examples.at(fold.training[:0])
        head = fit(training, nothing, len(photos.dataset.labels), SGD).head
        right += int(
            correct(photos.examples.at(fold.testing).logits(head), photos.dataset.label_ids[fold.testing]).sum()
        )
    return right / sum(len(fold.testing) for fold in folds)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _as_shares(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with its last three values formatted: AUROC with three digits, shares in percent."""
    *words, area, kept, rejected = row
    return (*words, f"{area:.3f}", _percent(kept), _percent(rejected))


def accuracy_of_scikit_learn(photos: Set, folds: Folds) -> float:
    """The accuracy of LogisticRegression on standardised features, C chosen on validation; NaN without scikit-learn."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        return float("nan")
    right = 0
    for fold in folds:
        training, validation, testing = map(photos.examples.at, (fold.training, fold.validation, fold.testing))
        scaler = StandardScaler().fit(training.features)
        features, label_ids = scaler.transform(training.features), training.label_ids
        models = [
            LogisticRegression(C=c, max_iter=1000).fit(features, label_ids) for c in 10.0 ** np.arange(-5, 1.1, 0.5)
        ]
        held_out = scaler.transform(validation.features)
        losses = [losses_of(model.predict_proba(held_out), validation.label_ids).mean() for model in models]
        predicted = models[int(np.argmin(losses))].predict(scaler.transform(testing.features))
        right += int((predicted == testing.label_ids).sum())
    return right / sum(len(fold.testing) for fold in folds)


def calibration(name: str, photos: Set) -> Iterator[tuple[Any, ...]]:
    """Yields a row for each solver and seed, and their means."""
    for word, solver in (("lbfgs", LBFGS), ("sgd", SGD)):
        rows = []
        for seed in SEEDS:
            result = cross_validate(photos.folds(seed), photos.examples, solver, silent)
            after, (loss, error) = result.assessment, result.before
            rows.append((loss, after.log_loss, error, after.calibration_error, after.calibration_floor))
            yield (name, word, seed, *rows[-1])
        yield (name, word, "mean", *(statistics.mean(column) for column in zip(*rows, strict=True)))


def with_thresholds(
    training: Examples, validation: Examples, head: Head, last: int
) -> Iterator[tuple[str, Scorer, float]]:
    """Yields a name, a scorer and the threshold that keeps 95 % of validation; ours has its own threshold."""
    for score, scorer in scorers(training, head):
        yield score, scorer, float(np.quantile(scorer(validation.features), 0.95, method="higher"))
    if rejection := fit_rejection(training, validation, last):
        yield "**prototypes, cosine** (ours)", rejection.distances, rejection.threshold


def scorers(training: Examples, head: Head) -> Iterator[tuple[str, Scorer]]:
    """Yields the names and functions of scores that may recognise strange photos."""
    yield "max-softmax (Hendrycks and Gimpel, 2017)", lambda features: -softmax(head.logits(features)).max(axis=1)
    yield "energy (Liu et al., 2020)", lambda features: -np.logaddexp.reduce(head.logits(features), axis=1)
    features, label_ids = training.features, training.label_ids
    classes = np.unique(label_ids)
    means = np.stack([features[label_ids == c].mean(axis=0) for c in classes])
    centred = (features - means[np.searchsorted(classes, label_ids)]).astype(np.float64)
    covariance = centred.T @ centred / len(centred)
    shrunk = 0.95 * covariance + 0.05 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    precision = np.linalg.inv(shrunk).astype(np.float32)

    def mahalanobis(given: Floats) -> Floats:
        distances = [np.einsum("nd,de,ne->n", given - mean, precision, given - mean, optimize=True) for mean in means]
        nearest: Floats = np.min(distances, axis=0)
        return nearest

    yield "Mahalanobis, shared covariance, shrunk by 0.05 (Lee et al., 2018)", mahalanobis
    known = normalised(features)
    for k in (1, 10):
        yield (
            f"k-NN, cosine, k = {k} (Sun et al., 2022)",
            lambda given, k=k: 1 - np.partition(normalised(given) @ known.T, -k, axis=1)[:, -k],  # type: ignore[misc]
        )


def auroc(known: Floats, strange: Floats) -> float:
    """The share of pairs in which the strange photo scores higher than the known one; ties count half."""
    values, counts = np.unique(np.concatenate([known, strange]), return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = ranks[np.searchsorted(values, strange)].sum()
    return float((rank_sum - len(strange) * (len(strange) + 1) / 2) / (len(known) * len(strange)))


def rejections(name: str, direction: str, photos: Set, others: Set) -> Iterator[tuple[Any, ...]]:
    """Yields a row for each score, measured on the folds of the first seed; thresholds keep 95 % of validation."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    strange = others.examples.features
    for fold in photos.folds(SEEDS[0]):
        training, validation, testing = map(photos.examples.at, (fold.training, fold.validation, fold.testing))
        head = fit(training, validation, len(photos.dataset.labels), LBFGS).head
        for score, scorer, threshold in with_thresholds(training, validation, head, photos.last):
            known, unknown = scorer(testing.features), scorer(strange)
            figures = auroc(known, unknown), (known <= threshold).mean(), (unknown > threshold).mean()
            found.setdefault(score, []).append(figures)
    for score, folds in found.items():
        mean = np.mean(folds, axis=0)
        yield (name, direction, score, *mean.tolist())


def rejections_of_a_class(name: str, photos: Set) -> Iterator[tuple[Any, ...]]:
    """Yields a row for each score: each class in turn is strange to the others; means over all classes."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for label_id in range(len(photos.dataset.labels)):
        strange, known = photos.dataset.label_ids == label_id, photos.dataset.label_ids != label_id
        for *_, score, auroc_, kept, rejected in rejections("", "", photos.only(known), photos.only(strange)):
            found.setdefault(score, []).append((auroc_, kept, rejected))
    for score, classes in found.items():
        yield (name, "all classes but one, that class", score, *np.mean(classes, axis=0).tolist())


def seconds_of(name: str, photos: Set) -> tuple[Any, ...]:
    """The row with the seconds of five folds and of a learning curve, on vectors in memory."""
    folds = photos.folds(SEEDS[0])
    started = time.perf_counter()
    full = cross_validate(folds, photos.examples, LBFGS, silent)
    of_folds = time.perf_counter() - started
    learning_curve(folds, photos.examples, LBFGS, full, silent)
    return (f"{name}: five folds; with the learning curve", of_folds, time.perf_counter() - started)


def seconds_of_fit(count: int, depth: int, classes: int) -> tuple[Any, ...]:
    """The row with the seconds of a fit along the whole path of penalties, on made-up vectors that overlap."""
    generator = np.random.default_rng(0)
    label_ids = np.arange(count) % classes
    features = np.abs(generator.normal(size=(count, depth)) + generator.normal(size=(classes, depth))[label_ids] / 8)
    examples = Examples(features.astype(np.float32), np.arange(count), label_ids)
    training, validation = examples.at(np.arange(count // 10, count)), examples.at(np.arange(count // 10))
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        fit(training, validation, classes, LBFGS)
        seconds.append(time.perf_counter() - started)
    return (f"one fit, {count:,} × {depth:,}, C = {classes}", statistics.median(seconds), "")


@click.command()
@click.option("--photos", required=True, help="Folder of class folders of photos.")
@click.option("--others", required=True, help="Another such folder, with other classes.")
@click.option("--model_dir", default="", help="Folder of the backbones' bundles.")
@click.argument("names", nargs=-1)
@one_blas_thread()
def main(photos: str, others: str, model_dir: str, names: tuple[str, ...]) -> None:
    """Measures heads on two folders of photos and prints Markdown tables."""
    click.echo(f"{machine_markdown(machine())}.\n")
    of_solvers = Table(
        f"Heads on {Path(photos).name}, five folds",
        "lbfgs: L-BFGS by default. tutorial: gradient descent (500 steps, 0.01), its last weights. scikit-learn: "
        "LogisticRegression on standardised features, C chosen on the same validation photos. sgd: the same gradient "
        f"descent, the weights that are best on validation. photos: all, or {FEW} of each class to train and validate "
        "on. Log losses in nats, after calibration.",
        ("backbone", "photos", "seed", "lbfgs", "tutorial", "scikit-learn", "sgd", "log loss, lbfgs", "log loss, sgd"),
    )
    of_calibration = Table(
        "Calibration, out of fold",
        "The floor is the calibration error that a perfectly calibrated model shows by chance.",
        ("backbone", "solver", "seed", "log loss before", "after", "calibration error before", "after", "floor"),
    )
    of_rejection = Table(
        "None of these",
        "AUROC, the share of known photos that are kept, and the share of strange ones that are rejected, if 95 % of "
        "validation are kept. Means of five folds.",
        ("backbone", "known, strange", "score", "AUROC", "kept", "rejected"),
    )
    of_seconds = Table("Seconds", "Measured on vectors in memory.", ("what", "s", "s with the curve"))
    for name in names or (EMBEDDED,):
        short = name.rsplit("/imagenet/", maxsplit=1)[-1].split("/")[0]
        first, second = loaded(photos, name, model_dir), loaded(others, name, model_dir)
        of_solvers.rows.extend(solvers(short, first))
        of_calibration.rows.extend(calibration(short, first))
        pairs = ((photos, first, others, second), (others, second, photos, first))
        for known, its, strange, theirs in pairs:
            found = rejections(short, f"{Path(known).name}, {Path(strange).name}", its, theirs)
            of_rejection.rows.extend(map(_as_shares, found))
        of_rejection.rows.extend(map(_as_shares, rejections_of_a_class(short, first)))
        of_seconds.rows.append(seconds_of(short, first))
    of_seconds.rows.extend(seconds_of_fit(*size) for size in ((3000, 1024, 5), (3000, 1024, 100)))
    for table in (of_solvers, of_calibration, of_rejection, of_seconds):
        click.echo(table.markdown())


if __name__ == "__main__":
    main()
