"""Figures that say how good a head is."""

import math

import numpy as np

from retrainer.arrays import Bools, Floats, Integers

# A score of zero would cost without bound; float32 knows nothing smaller beside one.
_SMALLEST_SCORE = np.float32(1e-7)
# Of the standard normal distribution 95 % lie within this of its mean.
_Z_95 = 1.959964


def correct(logits: Floats, label_ids: Integers) -> Bools:
    """Whether the highest of each row of logits or scores `(N, C)` is its label's: `(N,)`."""
    right: Bools = logits.argmax(axis=1) == label_ids
    return right


def cross_entropy(logits: Floats, label_ids: Integers) -> float:
    """Mean of -log softmax(logits)[label] in nats; logits `(N, C)`, labels `(N,)`."""
    top = logits.max(axis=1)
    log_sums = np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1)) + top
    return float(np.mean(log_sums - logits[np.arange(len(label_ids)), label_ids]))


def losses_of(scores: Floats, label_ids: Integers) -> Floats:
    """-log(score of a photo's own class) in nats, `(N,)`; scores `(N, C)`, 0 to 1."""
    own = scores[np.arange(len(label_ids)), label_ids]
    losses: Floats = -np.log(np.maximum(own, _SMALLEST_SCORE))
    return losses


def accuracy_interval(right: float, count: float) -> tuple[float, float]:
    """The 95 % interval of an accuracy that was measured as `right` of `count` photos: Wilson's, 1927.

    Returns:
        Its ends, 0 to 1; both ends of the range without photos.
    """
    if not count:
        return 0.0, 1.0
    squared = _Z_95**2 / count
    centre = (right / count + squared / 2) / (1 + squared)
    half = _Z_95 / (1 + squared) * math.sqrt(right / count * (1 - right / count) / count + squared / (4 * count))
    return max(0.0, centre - half), min(1.0, centre + half)
