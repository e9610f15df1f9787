"""Photos as decisions make them, and what that brings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retrainer.arrays import Integers
from retrainer.decided_files import decided_files
from retrainer.errors import DatasetError
from retrainer.events import silent
from retrainer.measuring.cleaning_effect import CleaningEffect, Outcomes, cleaning_effect
from retrainer.measuring.cross_validation import folds_of
from retrainer.options.cleaning import CleanOptions
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action
from retrainer.photos.dataset import Dataset
from retrainer.photos.files import PhotoFiles
from retrainer.photos.scanning import scan
from retrainer.preparation import prepare
from retrainer.reporting import Reporter, Stopwatch
from retrainer.system.process import one_blas_thread
from retrainer.training.solvers import solver_of


def files_of(run: CleanOptions, clean_list: CleanList, report: Reporter) -> PhotoFiles:
    """The files of the photos as the decisions of a list make them."""
    files = scan(run.image_dir, report, split_by=run.split_by, label_from=run.label_from)
    if all(row.decision.action == Action.NONE for row in clean_list.rows):
        return files
    return decided_files(files, clean_list, run.bottleneck_dir, report)


@one_blas_thread()
@np.errstate(under="ignore")
def effect_of(run: CleanOptions, report: Reporter, clean_list: CleanList) -> CleaningEffect:
    """Measures what the decisions of a list bring.

    Args:
        run: The photos and the folds.
        report: Called with all events, and with warnings about decisions that cannot be carried out.
        clean_list: The decisions.

    Raises:
        DatasetError: no photo stays as it is, or there are fewer different photos than folds.
    """
    files = files_of(run, clean_list, report)
    after = prepare(run.run, report, Stopwatch(report), files=files)
    prepared = prepare(run.run, report, Stopwatch(report))
    before, options = prepared.dataset, run.run
    outcomes = outcomes_of(before, after.dataset)
    if not (~outcomes.set_aside & (outcomes.label_ids == before.label_ids)).any():
        raise DatasetError("--measure: expected photos that no decision changes, received none.")
    folds = folds_of(before, options.split, run.folds)
    solver = solver_of(options.fit, before.counts, silent)
    effect = cleaning_effect(folds, prepared.examples, outcomes, solver, report)
    aside = len(files.honoured.set_aside) if files.honoured else 0
    return replace(effect, unreadable=max(aside - effect.set_aside, 0))


def outcomes_of(before: Dataset, after: Dataset) -> Outcomes:
    """What has become of each photo of a dataset in another one, which holds some of them, perhaps in other classes."""
    rows = _same_photos(before.paths, after.paths)
    set_aside = np.ones(len(before.paths), np.bool_)
    set_aside[rows] = False
    known = {label: number for number, label in enumerate(before.labels)}
    label_ids = before.label_ids.copy()
    label_ids[rows] = np.array([known[label] for label in after.labels], np.int64)[after.label_ids]
    return Outcomes(set_aside, label_ids)


def _same_photos(paths: Sequence[str], others: Sequence[str]) -> Integers:
    """The row of each of the other paths `(n,)` among some paths; a table may name a path several times."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in reversed(range(len(paths))):
        places[paths[row]].append(row)
    return np.array([places[path].pop() for path in others], np.int64)
