"""Fits the temperature that calibrates scores: a score of 0.9 should be right nine times in ten."""

import math

import numpy as np

from retrainer.arrays import Floats, Integers, spread
from retrainer.training.head import softmax
from retrainer.training.metrics import losses_of

# The deviation of the prior on the temperature's logarithm, which keeps it near 1 if there are few photos. Measured on
# flowers and clothing: without a prior the temperatures that ten photos gave were worse than none.
_PRIOR_STDDEV = 0.35
# The search covers exp(-4) to exp(4), to a thousandth: heads of large steps are ten times too sure.
_WIDEST, _HALVINGS = 4.0, 13
_MOST_PHOTOS = 10_000


def temperature_of(logits: Floats, label_ids: Integers, weights: Floats | None = None) -> float:
    """Returns the number to divide logits by so that their softmax is calibrated; 1 without photos.

    It minimises the cross entropy (Guo et al., On Calibration of Modern Neural Networks, 2017) with a normal prior on
    its logarithm, and is found by bisection.

    Args:
        logits: `(N, C)`.
        label_ids: `(N,)`.
        weights: The weight of each photo, `(N,)`; by default 1.
    """
    weights = np.ones(len(label_ids), np.float32) if weights is None else weights
    if len(logits) > _MOST_PHOTOS:
        some = spread(len(logits), _MOST_PHOTOS)
        logits, label_ids, weights = logits[some], label_ids[some], weights[some]
    own = logits[np.arange(len(label_ids)), label_ids]
    low, high = -_WIDEST, _WIDEST
    for _ in range(_HALVINGS):
        logarithm = (low + high) / 2
        inverse = np.float32(np.exp(-logarithm))
        expected = (softmax(logits * inverse) * logits).sum(axis=1)
        slope = float(inverse * (weights * (own - expected)).sum(dtype=np.float64)) + logarithm / _PRIOR_STDDEV**2
        low, high = (logarithm, high) if slope < 0 else (low, logarithm)
    return float(np.exp((low + high) / 2))


def penalised_loss(logits: Floats, label_ids: Integers, weights: Floats, temperature: float) -> float:
    """Returns the sum that `temperature_of` minimises: the cross entropy of all photos, nats, and the prior's share."""
    losses = losses_of(softmax(logits / np.float32(temperature)), label_ids)
    return float((weights * losses).sum(dtype=np.float64)) + math.log(temperature) ** 2 / (2 * _PRIOR_STDDEV**2)
