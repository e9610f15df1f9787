"""Feature vectors with their class ids, in chunks that fit into memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrainer.arrays import Floats, Integers, distinct, spread
from retrainer.training.head import Head
from retrainer.training.metrics import correct, cross_entropy

# 128 MiB of vectors with D = 1,024.
ROWS_PER_CHUNK = 2**15


@dataclass(frozen=True, eq=False)
class Views:
    """Views that heads learn from: the N photos themselves, and distorted ones.

    Attributes:
        matrix: Feature vectors of views, float32 `(R, D)`, perhaps larger than memory.
        rows: The rows of each photo's views, `(N, V)`; -1 if a photo has none, so that no head learns from it.
    """

    matrix: Floats
    rows: Integers


@dataclass(frozen=True, eq=False)
class Examples:
    """N feature vectors with their class ids.

    Attributes:
        matrix: Feature vectors of these and other photos, float32 `(R, D)`, perhaps larger than memory.
        rows: The rows of these photos, `(N,)`.
        label_ids: `(N,)`.
        groups: The group of each photo, `(N,)`. Photos of a group, such as copies, are never on both sides of a split.
            By default the rows, so that only photos of the same bytes stay together.
        views: The views that heads learn from; by default the photos themselves.
    """

    matrix: Floats
    rows: Integers
    label_ids: Integers
    groups: Integers | None = None
    views: Views | None = None

    def __len__(self) -> int:
        return len(self.label_ids)

    @cached_property
    def features(self) -> Floats:
        """The vectors in memory, `(N, D)`, copied there once."""
        return self.matrix[self.rows]

    @property
    def group_ids(self) -> Integers:
        """The group of each photo, `(N,)`; photos of the same bytes share one."""
        return self.rows if self.groups is None else self.groups

    @cached_property
    def different(self) -> int:
        """How many photos there are if a group counts as one."""
        return len(distinct(self.group_ids))

    def at(self, rows: Integers) -> "Examples":
        """Returns the examples at some rows of these, `(n,)`."""
        groups = None if self.groups is None else self.groups[rows]
        views = None if self.views is None else Views(self.views.matrix, self.views.rows[rows])
        return Examples(self.matrix, self.rows[rows], self.label_ids[rows], groups, views)

    def joined(self, others: "Examples") -> "Examples":
        """Returns these examples and then others; views and groups are kept if both have them."""
        label_ids = np.concatenate([self.label_ids, others.label_ids])
        groups, views = None, None
        if self.groups is not None and others.groups is not None:
            groups = np.concatenate([self.groups, others.groups])
        if self.views is not None and others.views is not None:
            views = Views(self.views.matrix, np.concatenate([self.views.rows, others.views.rows]))
        if self.matrix is others.matrix:
            return Examples(self.matrix, np.concatenate([self.rows, others.rows]), label_ids, groups, views)
        matrix = np.concatenate([self.features, others.features])
        return Examples(matrix, np.arange(len(matrix)), label_ids, groups, views)

    @cached_property
    def learnt(self) -> "Examples":
        """The examples that a head learns from: the views of these photos, or the photos themselves."""
        if self.views is None:
            return self
        seen = self.views.rows >= 0
        label_ids = np.broadcast_to(self.label_ids[:, np.newaxis], seen.shape)
        return Examples(self.views.matrix, self.views.rows[seen], label_ids[seen])

    def thinned(self, most: int) -> "Examples":
        """Returns at most `most` of the examples, with the same shares of the classes."""
        if len(self) <= most:
            return self
        by_class = np.argsort(self.label_ids, kind="stable")
        return self.at(np.sort(by_class[spread(len(self), most)]))

    def chunks(self) -> Iterator["Examples"]:
        """Yields the examples in order, at most `ROWS_PER_CHUNK` at a time."""
        if len(self) <= ROWS_PER_CHUNK:
            yield self
            return
        for start in range(0, len(self), ROWS_PER_CHUNK):
            yield self.at(np.arange(start, min(start + ROWS_PER_CHUNK, len(self))))

    def logits(self, head: Head) -> Floats:
        """Returns the logits of a head for them, `(N, C)`."""
        return np.concatenate([head.logits(chunk.features) for chunk in self.chunks()])


def measured(head: Head, examples: Examples) -> tuple[float, float]:
    """Returns the accuracy, 0 to 1, and the cross entropy, nats, of a head; NaN without examples."""
    if not len(examples):
        return math.nan, math.nan
    right, loss = 0, 0.0
    with np.errstate(all="ignore"):
        for chunk in examples.chunks():
            logits = head.logits(chunk.features)
            right += int(correct(logits, chunk.label_ids).sum())
            loss += cross_entropy(logits, chunk.label_ids) * len(chunk)
    return right / len(examples), loss / len(examples)
