"""Calibration errors: a score of 0.9 should be right nine times in ten."""

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats

# Guo et al., On Calibration of Modern Neural Networks, 2017: the error in 15 bins of equal width.
BINS = 15
# The most and the fewest draws of a perfectly calibrated model (errors of many photos vary less, so fewer are enough),
# the numbers in all draws, and the numbers drawn at once.
_DRAWS, _FEWEST_DRAWS, _NUMBERS, _NUMBERS_AT_ONCE = 200, 20, 2**23, 2**21


def calibration_error(scores: Floats, right: Bools) -> float:
    """Returns the expected calibration error, 0 to 1: the mean distance of highest scores from their bin's accuracy.

    Args:
        scores: The highest score of each photo, `(N,)`, 0 to 1.
        right: Whether its label is the photo's own, `(N,)`.
    """
    return float(_errors(scores, right[np.newaxis].astype(np.float32))[0])


def calibration_floor(scores: Floats) -> float:
    """Returns the error that a perfectly calibrated model would show by chance, with the same highest scores `(N,)`.

    It is the mean over draws of which photos are right. The same scores give the same floor.
    """
    generator = np.random.default_rng(0)
    wanted = max(_FEWEST_DRAWS, min(_DRAWS, _NUMBERS // len(scores)))
    at_once = max(1, _NUMBERS_AT_ONCE // len(scores))
    errors: list[float] = []
    while len(errors) < wanted:
        draws = generator.random((min(at_once, wanted - len(errors)), len(scores)), np.float32)
        errors += _errors(scores, (draws < scores).astype(np.float32)).tolist()
    return float(np.mean(errors))


def reliability(scores: Floats, right: Bools) -> list[tuple[int, float, float]]:
    """Returns the bins that have photos, from low to high: their number, the mean of the scores and the share right.

    Args:
        scores, right: As in `calibration_error`.
    """
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    members = (np.flatnonzero(bins == number) for number in range(BINS))
    return [(len(one), float(scores[one].mean()), float(right[one].mean())) for one in members if len(one)]


def _errors(scores: Floats, right: Floats) -> npt.NDArray[np.float64]:
    """The expected calibration errors of several outcomes `(draws, N)` of the same scores `(N,)`."""
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    surplus = right.astype(np.float64) - scores
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    sums: npt.NDArray[np.float64] = np.add.reduceat(surplus[:, order], starts, axis=1)
    errors: npt.NDArray[np.float64] = np.abs(sums).sum(axis=1) / len(scores)
    return errors
