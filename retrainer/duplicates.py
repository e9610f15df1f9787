"""Copies in a run: photos of one group stay together, the user is warned, and a table lists them."""

import os
from dataclasses import replace

import numpy as np

from retrainer.arrays import Integers, distinct
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.events import CopiesFound, Observer, Warned
from retrainer.options.split import SplitOptions
from retrainer.photos.copies.search import NO_COPIES, Copies, components, find_copies
from retrainer.photos.copies.table import duplicates_table, lists
from retrainer.photos.dataset import Dataset
from retrainer.photos.leaks import warn_of_leaks
from retrainer.photos.oddities import warn_of_copies_across_classes
from retrainer.system.files import write_whole
from retrainer.text import shown


def with_copies_together(
    dataset: Dataset, fingerprints: FingerprintCache | None, options: SplitOptions, observer: Observer
) -> Dataset:
    """Finds the copies among photos, warns about them, and lists them in the table of `--duplicates`.

    Args:
        dataset: The photos.
        fingerprints: Their fingerprints; if None, only photos of the same bytes are copies.
        options: Where the table goes, and whether copies stay together.
        observer: Called with warnings.

    Returns:
        The dataset. Copies share a group, unless `--copies apart` is given; groups that share copies become one.

    Raises:
        OutputError: the table cannot be written.
    """
    copies = find_copies(dataset.digests, fingerprints.near_copies if fingerprints else lambda _: NO_COPIES)
    if len(copies.pairs):
        _write(options.duplicates, dataset, copies)
        _warn(dataset, copies, options, observer)
        if dataset.given is not None:
            warn_of_leaks(dataset, dataset.given, copies.groups, options.duplicates, observer)
        warn_of_copies_across_classes(dataset, copies.groups, options.duplicates, observer)
    elif os.path.exists(options.duplicates):
        # The copies that an earlier run listed are gone.
        _write(options.duplicates, dataset, copies)
    return replace(dataset, groups=_joined(dataset, copies)) if options.copies == "together" else dataset


def _write(table: str, dataset: Dataset, copies: Copies) -> None:
    """Writes the table of copies if it has a place."""
    if table:
        write_whole(table, duplicates_table(dataset, copies))


def _joined(dataset: Dataset, copies: Copies) -> Integers:
    """The groups of photos that share a group of the dataset or are copies, directly or through others, `(N,)`."""
    if dataset.groups is None:
        return copies.groups
    _, first, groups = np.unique(dataset.groups, return_index=True, return_inverse=True)
    same_group = np.stack([first[groups], np.arange(len(groups))], axis=1)
    return components(len(groups), np.concatenate([copies.pairs, same_group]))


def _warn(dataset: Dataset, copies: Copies, options: SplitOptions, observer: Observer) -> None:
    """Reports how many photos are copies, two of them, and what happens to them."""
    count = len(dataset.paths) - len(distinct(copies.groups))
    first, copy = (shown(dataset.paths[row]) for row in copies.pairs[np.lexsort(copies.pairs.T[::-1])[0]])
    are = "is a copy" if count == 1 else "are copies"
    found = f"{count:,} of {len(dataset.paths):,} photos {are} of another, such as '{copy}' of '{first}'"
    if options.copies == "apart":
        becomes = "--copies apart may train on one copy and test on another, which flatters the figures"
    elif options.split_by == "path":
        becomes = "--split_by path may train on one copy and test on another, which flatters the figures"
    elif dataset.given is not None:
        becomes = "given parts are kept"
    else:
        becomes = "copies stay together in one part"
    observer(CopiesFound(count, options.duplicates))
    observer(Warned(f"{found}: {becomes}.{lists(options.duplicates, 'them')}", is_finding=True))
