"""Figures of how good a head is."""

import math

import numpy as np

from retrainer.arrays import Bools, Floats, Integers

# A score of zero would have an infinite loss; float32 cannot tell a smaller score from zero beside one.
_SMALLEST_SCORE = np.float32(1e-7)
# 95 % of the standard normal distribution lie within this distance of its mean.
_Z_95 = 1.959964


def correct(logits: Floats, label_ids: Integers) -> Bools:
    """Whether the highest of each row of logits or scores `(N, C)` belongs to its label, `(N,)`."""
    right: Bools = logits.argmax(axis=1) == label_ids
    return right


def cross_entropy(logits: Floats, label_ids: Integers) -> float:
    """Returns the mean of -log softmax(logits)[label] in nats; logits `(N, C)`, labels `(N,)`."""
    top = logits.max(axis=1)
    log_sums = np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1)) + top
    return float(np.mean(log_sums - logits[np.arange(len(label_ids)), label_ids]))


def losses_of(scores: Floats, label_ids: Integers) -> Floats:
    """Returns -log(score of a photo's own class) in nats, `(N,)`; scores `(N, C)`, 0 to 1."""
    own = scores[np.arange(len(label_ids)), label_ids]
    losses: Floats = -np.log(np.maximum(own, _SMALLEST_SCORE))
    return losses


def accuracy_interval(right: float, count: float) -> tuple[float, float]:
    """Returns Wilson's 95 % interval (1927) of an accuracy that was measured as `right` of `count` photos.

    Returns:
        Its ends, 0 to 1; both ends of the range without photos.
    """
    if not count:
        return 0.0, 1.0
    squared = _Z_95**2 / count
    centre = (right / count + squared / 2) / (1 + squared)
    half = _Z_95 / (1 + squared) * math.sqrt(right / count * (1 - right / count) / count + squared / (4 * count))
    # Rounding must not part the ends from those of the range.
    low = 0.0 if right <= 0 else max(0.0, centre - half)
    high = 1.0 if right >= count else min(1.0, centre + half)
    return low, high
