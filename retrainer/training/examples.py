"""Feature vectors with their class ids, as many at a time as memory takes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrainer.arrays import Floats, Integers, spread
from retrainer.head import Head
from retrainer.metrics import correct, cross_entropy

# 128 MiB of vectors with D = 1,024.
ROWS_PER_CHUNK = 2**15


@dataclass(frozen=True)
class Examples:
    """N feature vectors with their class ids.

    Attributes:
        matrix: Feature vectors of these and other photos, float32 `(R, D)`, perhaps larger than memory.
        rows: Which of them, `(N,)`.
        label_ids: `(N,)`.
    """

    matrix: Floats
    rows: Integers
    label_ids: Integers

    def __len__(self) -> int:
        return len(self.label_ids)

    @cached_property
    def features(self) -> Floats:
        """The vectors in memory, `(N, D)`, copied there once."""
        return self.matrix[self.rows]

    def chosen(self, places: Integers) -> "Examples":
        """Some of the examples."""
        return Examples(self.matrix, self.rows[places], self.label_ids[places])

    def thinned(self, most: int) -> "Examples":
        """At most so many of the examples, of each class its share."""
        if len(self) <= most:
            return self
        by_class = np.argsort(self.label_ids, kind="stable")
        return self.chosen(np.sort(by_class[spread(len(self), most)]))

    def chunks(self) -> Iterator["Examples"]:
        """The examples in order, so many at a time as fit into memory."""
        if len(self) <= ROWS_PER_CHUNK:
            yield self
            return
        for start in range(0, len(self), ROWS_PER_CHUNK):
            yield self.chosen(np.arange(start, min(start + ROWS_PER_CHUNK, len(self))))

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
