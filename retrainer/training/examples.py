"""Feature vectors with their class ids, as many at a time as memory takes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrainer.arrays import Floats, Integers, spread
from retrainer.training.head import Head
from retrainer.training.metrics import correct, cross_entropy

# 128 MiB of vectors with D = 1,024.
ROWS_PER_CHUNK = 2**15


@dataclass(frozen=True, eq=False)
class Views:
    """What heads learn from in place of the N photos themselves.

    Attributes:
        matrix: Feature vectors of distorted views, float32 `(R, D)`, perhaps larger than memory.
        rows: Which of them are each photo's, `(N, V)`; -1 if a photo has none, so that no head learns from it.
    """

    matrix: Floats
    rows: Integers


@dataclass(frozen=True, eq=False)
class Examples:
    """N feature vectors with their class ids.

    Attributes:
        matrix: Feature vectors of these and other photos, float32 `(R, D)`, perhaps larger than memory.
        rows: Which of them, `(N,)`.
        label_ids: `(N,)`.
        groups: Photos with the same number, such as copies, are never on both sides of a split, `(N,)`; by default the
            rows, so that only photos of the same bytes are together.
        views: What heads learn from in their place; by default the vectors themselves.
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

    def at(self, rows: Integers) -> "Examples":
        """Returns the examples at some rows of these, `(n,)`."""
        groups = None if self.groups is None else self.groups[rows]
        views = None if self.views is None else Views(self.views.matrix, self.views.rows[rows])
        return Examples(self.matrix, self.rows[rows], self.label_ids[rows], groups, views)

    def joined(self, others: "Examples") -> "Examples":
        """These examples and then others; views and groups only go with others that have them, too."""
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
        """What a head learns from: the views of these photos, or the photos themselves."""
        if self.views is None:
            return self
        seen = self.views.rows >= 0
        label_ids = np.broadcast_to(self.label_ids[:, np.newaxis], seen.shape)
        return Examples(self.views.matrix, self.views.rows[seen], label_ids[seen])

    def thinned(self, most: int) -> "Examples":
        """At most so many of the examples, of each class its share."""
        if len(self) <= most:
            return self
        by_class = np.argsort(self.label_ids, kind="stable")
        return self.at(np.sort(by_class[spread(len(self), most)]))

    def chunks(self) -> Iterator["Examples"]:
        """The examples in order, so many at a time as fit into memory."""
        if len(self) <= ROWS_PER_CHUNK:
            yield self
            return
        for start in range(0, len(self), ROWS_PER_CHUNK):
            yield self.at(np.arange(start, min(start + ROWS_PER_CHUNK, len(self))))

    def logits(self, head: Head) -> Floats:
        """What a head gives for them, `(N, C)`."""
        return np.concatenate([head.logits(chunk.features) for chunk in self.chunks()])


def measured(head: Head, examples: Examples) -> tuple[float, float]:
    """Accuracy, 0 to 1, and cross entropy, nats; NaN without examples."""
    if not len(examples):
        return math.nan, math.nan
    right, loss = 0, 0.0
    with np.errstate(all="ignore"):
        for chunk in examples.chunks():
            logits = head.logits(chunk.features)
            right += int(correct(logits, chunk.label_ids).sum())
            loss += cross_entropy(logits, chunk.label_ids) * len(chunk)
    return right / len(examples), loss / len(examples)
