"""Figures that say how good a head is."""

import numpy as np

from retrainer.arrays import Bools, Floats, Integers


def correct(logits: Floats, label_ids: Integers) -> Bools:
    """Whether the highest of each row of logits or scores `(N, C)` is its label's: `(N,)`."""
    right: Bools = logits.argmax(axis=1) == label_ids
    return right


def cross_entropy(logits: Floats, label_ids: Integers) -> float:
    """Mean of -log softmax(logits)[label] in nats; logits `(N, C)`, labels `(N,)`."""
    top = logits.max(axis=1)
    log_sums = np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1)) + top
    return float(np.mean(log_sums - logits[np.arange(len(label_ids)), label_ids]))
