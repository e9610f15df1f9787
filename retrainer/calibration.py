"""Whether scores mean what they say: a score of 0.9 should be right nine times in ten."""

import math

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats, Integers, spread
from retrainer.head import softmax
from retrainer.metrics import losses_of

# Guo et al., On Calibration of Modern Neural Networks, 2017: a temperature, and the error in 15 bins of equal width.
BINS = 15
# A temperature is this far from 1, in natural logarithms, before few photos can say otherwise; measured on flowers and
# clothing, where without it the temperatures of ten photos were worse than none.
_PRIOR_STDDEV = 0.35
# exp(-4) to exp(4), to a thousandth: large steps make heads that are ten times too sure.
_WIDEST, _HALVINGS = 4.0, 13
_MOST_PHOTOS = 10_000
# Draws of a perfectly calibrated model, fewer of many photos, whose errors vary less; numbers drawn at once.
_DRAWS, _FEWEST_DRAWS, _NUMBERS, _NUMBERS_AT_ONCE = 200, 20, 2**23, 2**21


def temperature_of(logits: Floats, label_ids: Integers, weights: Floats | None = None) -> float:
    """What to divide logits `(N, C)` by so that their softmax says how often it is right; 1 without photos.

    The minimum of the cross entropy and of a normal prior on the temperature's logarithm, found by bisection.

    Args:
        logits: `(N, C)`.
        label_ids: `(N,)`.
        weights: What each photo counts, `(N,)`; by default each 1.
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
    """What `temperature_of` minimises: the cross entropy of all photos, nats, and the prior's share."""
    losses = losses_of(softmax(logits / np.float32(temperature)), label_ids)
    return float((weights * losses).sum(dtype=np.float64)) + math.log(temperature) ** 2 / (2 * _PRIOR_STDDEV**2)


def calibration_error(scores: Floats, right: Bools) -> float:
    """The expected calibration error, 0 to 1: how far the highest scores are from their bin's accuracy, on average.

    Args:
        scores: The highest score of each photo, `(N,)`, 0 to 1.
        right: Whether its label is the photo's own, `(N,)`.
    """
    return float(_errors(scores, right[np.newaxis].astype(np.float32))[0])


def calibration_floor(scores: Floats) -> float:
    """The error that a perfectly calibrated model would show with the same highest scores `(N,)`, by chance alone.

    The mean over draws of which photos are right; the same scores give the same floor.
    """
    generator = np.random.default_rng(0)
    wanted = max(_FEWEST_DRAWS, min(_DRAWS, _NUMBERS // len(scores)))
    at_once = max(1, _NUMBERS_AT_ONCE // len(scores))
    errors: list[float] = []
    while len(errors) < wanted:
        draws = generator.random((min(at_once, wanted - len(errors)), len(scores)), np.float32)
        errors += _errors(scores, (draws < scores).astype(np.float32)).tolist()
    return float(np.mean(errors))


def _errors(scores: Floats, right: Floats) -> npt.NDArray[np.float64]:
    """The expected calibration errors of several outcomes `(draws, N)` of the same scores `(N,)`."""
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    surplus = right.astype(np.float64) - scores
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    sums: npt.NDArray[np.float64] = np.add.reduceat(surplus[:, order], starts, axis=1)
    errors: npt.NDArray[np.float64] = np.abs(sums).sum(axis=1) / len(scores)
    return errors
