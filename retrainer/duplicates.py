"""The photos that are there more than once: kept together, told of, and listed in a table."""

import csv
import io
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from retrainer.arrays import Integers
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.events import Observer, Warned
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.copies.search import NO_COPIES, Copies, find_copies
from retrainer.photos.dataset import Dataset
from retrainer.photos.oddities import warn_of_copies_across_classes
from retrainer.system.files import shown, write_whole

COLUMNS = ("group", "path", "label", "kind", "of", "likeness")
ORIGINAL, SAME, NEAR = "first", "same file", "near copy"
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def with_copies_together(
    dataset: Dataset, fingerprints: FingerprintCache | None, options: RetrainOptions, observer: Observer
) -> Dataset:
    """Finds the copies among photos, lists them in `--duplicates`, and tells of them.

    Args:
        dataset: The photos.
        fingerprints: Those of the photos; without any only the same bytes are copies.
        options: Where the table goes, and whether copies are to stay together.
        observer: Warned of copies.

    Returns:
        The dataset, whose photos are grouped with their copies unless `--copies apart` is given.

    Raises:
        OutputError: the table cannot be written.
    """
    copies = find_copies(dataset.digests, fingerprints.near_copies if fingerprints else lambda _: NO_COPIES)
    if len(copies.pairs):
        write_whole(options.duplicates, duplicates_table(dataset, copies))
        _tell(dataset, copies, options, observer)
        warn_of_copies_across_classes(dataset, copies.groups, options.duplicates, observer)
    elif os.path.exists(options.duplicates):
        # What an earlier run found is there no longer.
        write_whole(options.duplicates, duplicates_table(dataset, copies))
    return replace(dataset, groups=copies.groups) if options.copies == "together" else dataset


def _tell(dataset: Dataset, copies: Copies, options: RetrainOptions, observer: Observer) -> None:
    """Says how many photos are copies, names two, and says what becomes of them."""
    count = len(dataset.paths) - len(np.unique(copies.groups))
    first, copy = (shown(dataset.paths[row]) for row in copies.pairs[np.lexsort(copies.pairs.T[::-1])[0]])
    are = "is a copy" if count == 1 else "are copies"
    found = f"{count:,} of {len(dataset.paths):,} photos {are} of another, such as '{copy}' of '{first}'"
    if options.copies == "apart":
        becomes = "with --copies apart they are trained on and tested on, and the figures flatter the model"
    elif options.split_by == "path":
        becomes = "--split_by path tests on copies of what it trains on, and the test flatters the model"
    else:
        becomes = "copies stay together in one part"
    observer(Warned(f"{found}: {becomes}. '{shown(options.duplicates)}' lists them."))


def duplicates_table(dataset: Dataset, copies: Copies) -> bytes:
    """All photos that are there more than once, as CSV; only the heading if there are none.

    Names are written byte for byte, as a reader gets back by UTF-8 with `surrogateescape`. A path that a spreadsheet
    would take for a formula begins with `./`, which leads to the same file.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_rows(dataset, copies))
    return text.getvalue().encode("utf-8", "surrogateescape")


def _rows(dataset: Dataset, copies: Copies) -> Iterator[tuple[str, ...]]:
    """The rows of groups of two and more, group by group, in the order of their first photos."""
    sizes = np.bincount(copies.groups, minlength=len(dataset.paths))
    members = np.flatnonzero(sizes[copies.groups] > 1)
    members = members[np.argsort(copies.groups[members], kind="stable")]
    links = _links(copies)
    number, group = 0, -1
    for row in members.tolist():
        path, label = _cell(dataset.paths[row]), dataset.labels[dataset.label_ids[row]]
        if copies.groups[row] != group:
            number, group = number + 1, copies.groups[row]
            yield str(number), path, label, ORIGINAL, "", ""
            continue
        of, likeness = links[row]
        kind = SAME if (dataset.digests[row] == dataset.digests[of]).all() else NEAR
        yield str(number), path, label, kind, _cell(dataset.paths[of]), f"{likeness:.3f}"


def _links(copies: Copies) -> dict[int, tuple[int, float]]:
    """Copy -> what it is a copy of and how alike they are, such that each way leads to the first of a group."""
    pairs: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for (one, other), likeness in zip(copies.pairs.tolist(), copies.likenesses.tolist(), strict=True):
        pairs[one].append((other, likeness))
        pairs[other].append((one, likeness))
    links: dict[int, tuple[int, float]] = {}
    firsts: Integers = np.unique(copies.groups)
    waiting = deque(row for row in firsts.tolist() if row in pairs)
    seen = set(waiting)
    while waiting:
        row = waiting.popleft()
        for other, likeness in pairs[row]:
            if other not in seen:
                seen.add(other)
                links[other] = (row, likeness)
                waiting.append(other)
    return links


def _cell(path: str) -> str:
    return os.path.join(".", path) if path.startswith(_FORMULA) else path
