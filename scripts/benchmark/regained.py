"""Measures how much of the accuracy that wrong labels cost comes back if all suggestions are accepted.

    python -m scripts.benchmark.regained FOLDER [--architecture NAME]... [--share 0.2] [--seeds 5]

The photos are divided into five folds. A share of the photos that a fold learns from gets wrong labels by chance; the
photos that it tests keep theirs. Heads learn from the sound labels, from the wrong ones, and from what is left if all
suggestions about labels and outliers are accepted.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace

import click
import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import silent
from retrainer.findings.evidence import Evidence, out_of_fold_scores
from retrainer.findings.labels import label_findings
from retrainer.findings.outliers import outlier_findings
from retrainer.measuring.cross_validation import Fold, folds_of
from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.options.fit import FitOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS, SplitOptions
from retrainer.photos.clean_list.finding import Action
from retrainer.photos.dataset import Dataset
from retrainer.preparation import Prepared, prepare
from retrainer.reporting import Reporter, Stopwatch
from retrainer.training.examples import Examples
from retrainer.training.fitting import fit
from retrainer.training.metrics import correct
from retrainer.training.solvers import solver_of
from scripts.benchmark.tables import Table


def rows_of(dataset: Dataset, examples: Examples, rows: Integers, label_ids: Integers) -> tuple[Dataset, Examples]:
    """Returns some photos with other labels, `(n,)`."""
    paths = tuple(dataset.paths[row] for row in rows.tolist())
    groups = None if dataset.groups is None else dataset.groups[rows]
    some = replace(dataset, paths=paths, label_ids=label_ids, digests=dataset.digests[rows], groups=groups)
    return some, replace(examples.at(rows), label_ids=label_ids)


def cleaned(dataset: Dataset, examples: Examples) -> tuple[Integers, Bools]:
    """Returns the labels after all suggestions, `(N,)`, and which photos are left, `(N,)`."""
    scores = out_of_fold_scores(dataset, examples, solver_of(FitOptions(), dataset.counts, silent), 0, silent)
    evidence = Evidence(dataset, examples, np.zeros(len(examples), np.int8), scores)
    row_of = {path: row for row, path in enumerate(dataset.paths)}
    label_ids, left = dataset.label_ids.copy(), np.ones(len(examples), np.bool_)
    for finding in [*label_findings(evidence), *outlier_findings(evidence)]:
        row = row_of[finding.path]
        if finding.suggestion is Action.RELABEL:
            label_ids[row] = dataset.labels.index(finding.new_label)
        else:
            left[row] = False
    return label_ids, left


def accuracy(prepared: Prepared, fold: Fold, rows: Integers, label_ids: Integers) -> float:
    """The accuracy on a fold's test photos of a head that learns from some photos with the given labels, 0 to 1."""
    examples, classes = prepared.examples, len(prepared.dataset.labels)
    learnt = replace(examples.at(rows), label_ids=label_ids)
    validates = np.isin(rows, fold.validation)
    solver = solver_of(FitOptions(), np.bincount(label_ids, minlength=classes), silent)
    head = fit(learnt.at(np.flatnonzero(~validates)), learnt.at(np.flatnonzero(validates)), classes, solver).head
    tested = examples.at(fold.testing)
    return float(correct(tested.logits(head), tested.label_ids).mean())


def accuracies(prepared: Prepared, share: float, seed: int) -> list[tuple[float, float, float]]:
    """The accuracies of each fold: with sound labels, with wrong ones, and after the suggestions."""
    dataset, examples = prepared.dataset, prepared.examples
    classes, measured = len(dataset.labels), []
    for number, fold in enumerate(folds_of(dataset, SplitOptions(seed=seed), FOLDS)):
        generator = np.random.default_rng([seed, number])
        rows = np.sort(np.concatenate([fold.training, fold.validation]))
        sound = dataset.label_ids[rows]
        wrong = sound.copy()
        some = generator.choice(len(rows), round(share * len(rows)), replace=False)
        wrong[some] = (sound[some] + generator.integers(1, classes, len(some))) % classes
        label_ids, left = cleaned(*rows_of(dataset, examples, rows, wrong))
        measured.append(
            (
                accuracy(prepared, fold, rows, sound),
                accuracy(prepared, fold, rows, wrong),
                accuracy(prepared, fold, rows[left], label_ids[left]),
            )
        )
    return measured


def regained_row(photos: str, architecture: str, share: float, seeds: Sequence[int]) -> tuple[object, ...]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder, Reporter(None) as report:
        options = RetrainOptions(image_dir=photos, architecture=architecture, bottleneck_dir=folder)
        prepared = prepare(options, report, Stopwatch(report))
        measured = [of_fold for seed in seeds for of_fold in accuracies(prepared, share, seed)]
    sound, wrong, after = np.mean(measured, axis=0).tolist()
    return architecture, f"{share:.0%}", sound, wrong, after, (after - wrong) / max(sound - wrong, 1e-9)


@click.command()
@click.argument("photos", type=click.Path(exists=True, file_okay=False))
@click.option("--architecture", "architectures", multiple=True, default=(DEFAULT_ARCHITECTURE,), show_default=True)
@click.option("--share", default=0.2, show_default=True, type=click.FloatRange(0, 1), help="Wrong labels.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1))
def main(photos: str, architectures: tuple[str, ...], share: float, seeds: int) -> None:
    """Prints a Markdown table of accuracies."""
    head = ("backbone", "wrong labels", "accuracy without", "with", "after the suggestions", "regained")
    table = Table("What suggestions regain", f"Means of five folds and {seeds} seeds.", head)
    for architecture in architectures:
        table.rows.append(regained_row(photos, architecture, share, range(seeds)))
    click.echo(table.markdown())


if __name__ == "__main__":
    main()
