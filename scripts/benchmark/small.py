"""Measures heads that learnt from few photos: accuracy, calibration, and the share of photos they keep.

    python -m scripts.benchmark.small --photos FOLDER [--model_dir DIR] [--seeds N] [NAME...]

A NAME is a value of `--architecture`, by default `pocket`. Each seed draws 15, 30 or 60 photos of each class, or 15 of
each of two classes. These are split as `retrainer retrain` splits them; all photos that were not drawn test the head.
"""

import statistics
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import click
import numpy as np

from retrainer.backbones.available import EMBEDDED
from retrainer.events import silent
from retrainer.measuring.assessment import assess
from retrainer.options.split import SplitOptions
from retrainer.photos.parts import Part
from retrainer.photos.splits import split_by_content
from retrainer.system.process import one_blas_thread
from retrainer.training.fitting import Solver, fit
from retrainer.training.head import softmax
from retrainer.training.outliers import fit_rejection
from scripts.benchmark.heads import LBFGS, SGD, Set, loaded
from scripts.benchmark.tables import Table

PER_CLASS, PAIR = (15, 30, 60), 15


def drawn(photos: Set, per_class: int, seed: int) -> tuple[Set, Set]:
    """At most `per_class` photos of each class, and all other photos."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(photos.examples))
    of_class = photos.examples.label_ids[order]
    rows = [order[of_class == label_id][:per_class] for label_id in range(len(photos.dataset.labels))]
    chosen = np.zeros(len(order), np.bool_)
    chosen[np.concatenate(rows)] = True
    return photos.only(chosen), photos.only(~chosen)


def figures(few: Set, others: Set, solver: Solver) -> tuple[float, ...]:
    """Accuracy, log loss, calibration error, its floor, the share of kept photos, and the seconds of the fits."""
    options = SplitOptions()
    split = split_by_content(few.dataset, options.validation_percentage, options.testing_percentage, 0, silent)
    training, validation = (few.examples.at(split.rows(part)) for part in (Part.TRAINING, Part.VALIDATION))
    started = time.perf_counter()
    head = fit(training, validation, len(few.dataset.labels), solver).head
    rejection = fit_rejection(training, validation, few.last)
    seconds = time.perf_counter() - started
    scores = softmax(others.examples.logits(head))
    found = assess(others.dataset.labels, scores, others.dataset.label_ids)
    kept = (rejection.distances(others.examples.features) <= rejection.threshold).mean() if rejection else np.nan
    return found.accuracy, found.log_loss, found.calibration_error, found.calibration_floor, float(kept), seconds


def sets(photos: Set, seed: int) -> Iterator[tuple[str, Set, int]]:
    """Yields a name, the photos to draw from, and how many to draw of each class; the pair depends on the seed."""
    classes = len(photos.dataset.labels)
    for per_class in PER_CLASS:
        yield f"{classes} classes, {per_class} each", photos, per_class
    pairs = list(combinations(range(classes), 2))
    of_pair = np.isin(photos.examples.label_ids, pairs[seed % len(pairs)])
    yield f"2 classes, {PAIR} each", photos.only(of_pair), PAIR


def rows_of(name: str, photos: Set, seeds: int) -> Iterator[tuple[Any, ...]]:
    """Yields a row for each size and solver: means over the seeds."""
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for seed in range(seeds):
        for size, some, per_class in sets(photos, seed):
            few, others = drawn(some, per_class, seed)
            for word, solver in (("lbfgs", LBFGS), ("sgd", SGD)):
                found.setdefault((size, word), []).append(figures(few, others, solver))
    for (size, word), of_seeds in found.items():
        accuracy, loss, error, floor, kept, seconds = map(statistics.mean, zip(*of_seeds, strict=True))
        shares = f"{accuracy:.1%}", loss, error, floor, f"{error - floor:.3f}", f"{kept:.1%}"
        yield (name, size, word, *shares, seconds)


@click.command()
@click.option("--photos", required=True, help="Folder of class folders of photos.")
@click.option("--model_dir", default="", help="Folder of the backbones' bundles.")
@click.option("--seeds", default=20, show_default=True, help="Number of draws.")
@click.argument("names", nargs=-1)
@one_blas_thread()
def main(photos: str, model_dir: str, seeds: int, names: tuple[str, ...]) -> None:
    """Measures heads that learnt from few photos and prints a Markdown table."""
    table = Table(
        f"Few photos of {photos.rstrip('/').rsplit('/', 1)[-1]}",
        f"Means over {seeds} seeds, measured on all photos that were not drawn. The floor is the calibration error "
        "that a perfectly calibrated model shows by chance.",
        ("backbone", "photos", "solver", "accuracy", "log loss", "ECE", "floor", "above", "kept", "s"),
    )
    for name in names or (EMBEDDED,):
        short = name.rsplit("/", maxsplit=1)[-1]
        table.rows.extend(rows_of(short, loaded(photos, name, model_dir), seeds))
    click.echo(table.markdown())


if __name__ == "__main__":
    main()
