"""The table of duplicates: all photos that have copies, as CSV."""

from collections import defaultdict, deque
from collections.abc import Iterator

import numpy as np

from retrainer.answers.csv_rows import lines
from retrainer.answers.table import TEXT, Column, Table
from retrainer.arrays import distinct
from retrainer.photos.copies.search import Copies
from retrainer.photos.dataset import Dataset
from retrainer.text import shown

COLUMNS = ("group", "path", "label", "kind", "of", "likeness")
ORIGINAL, SAME, NEAR = "first", "same file", "near copy"


def lists(table: str, copies: str) -> str:
    """The sentence at the end of a message that says where copies are listed; empty if there is no table."""
    return f" '{shown(table)}' lists {copies}." if table else ""


def duplicates_table(dataset: Dataset, copies: Copies) -> bytes:
    """The table as CSV, with texts as in answers; only the heading if no photo has a copy."""
    columns = [Column(name, TEXT) for name in COLUMNS]
    return b"".join(lines(Table("duplicates", columns, _rows(dataset, copies))))


def _rows(dataset: Dataset, copies: Copies) -> Iterator[tuple[str, ...]]:
    """The rows of groups of at least two photos, group by group, ordered by the groups' first photos."""
    sizes = np.bincount(copies.groups, minlength=len(dataset.paths))
    members = np.flatnonzero(sizes[copies.groups] > 1)
    members = members[np.argsort(copies.groups[members], kind="stable")]
    links = _links(copies)
    number, group = 0, -1
    for row in members.tolist():
        path, label = dataset.paths[row], dataset.labels[dataset.label_ids[row]]
        if copies.groups[row] != group:
            number, group = number + 1, copies.groups[row]
            yield str(number), path, label, ORIGINAL, "", ""
            continue
        of, likeness = links[row]
        kind = SAME if (dataset.digests[row] == dataset.digests[of]).all() else NEAR
        yield str(number), path, label, kind, dataset.paths[of], f"{likeness:.3f}"


def _links(copies: Copies) -> dict[int, tuple[int, float]]:
    """Each copy -> a photo that it is a copy of, and their likeness; the links lead to the first photo of the group."""
    pairs: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for (one, other), likeness in zip(copies.pairs.tolist(), copies.likenesses.tolist(), strict=True):
        pairs[one].append((other, likeness))
        pairs[other].append((one, likeness))
    links: dict[int, tuple[int, float]] = {}
    waiting = deque(row for row in distinct(copies.groups).tolist() if row in pairs)
    seen = set(waiting)
    while waiting:
        row = waiting.popleft()
        for other, likeness in pairs[row]:
            if other not in seen:
                seen.add(other)
                links[other] = (row, likeness)
                waiting.append(other)
    return links
