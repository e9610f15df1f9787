"""Compares two models on the same photos: the difference of their accuracies, and whether chance explains it."""

import math
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.measuring.assessment import effective_count
from retrainer.training.metrics import accuracy_interval

# Significance level of the sign test.
_CHANCE = 0.05


@dataclass(frozen=True)
class Paired:
    """How two models did on the same N photos.

    Attributes:
        count: N.
        only_first, only_second: The number of photos that only one of the two gets right.
        difference: The accuracy of the first minus that of the second, -1 to 1.
        interval: Its 95 % confidence interval; copies count as one photo.
    """

    count: int
    only_first: int
    only_second: int
    difference: float
    interval: tuple[float, float]

    @property
    def is_chance(self) -> bool:
        """Whether chance explains the difference, by the exact sign test of the photos that only one gets right."""
        return is_chance(self.only_first, self.only_second)


def paired(first_right: Bools, second_right: Bools, groups: Integers | None = None) -> Paired:
    """Compares two models by whether each gets a photo right, `(N,)` both; N is at least 1.

    Photos of the same group `(N,)` are copies, which count as one photo in the interval; by default there are none.
    """
    count = len(first_right)
    cells = np.bincount(2 * ~first_right + ~second_right, minlength=4)
    both, only_first, only_second, neither = cells.tolist()
    weight = 1.0 if groups is None else effective_count(groups) / count
    interval = paired_interval(both * weight, only_first * weight, only_second * weight, neither * weight)
    return Paired(count, only_first, only_second, (only_first - only_second) / count, interval)


def paired_interval(both: float, only_first: float, only_second: float, neither: float) -> tuple[float, float]:
    """Returns the 95 % confidence interval of a difference of two accuracies on the same photos.

    This is method 10 of Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17, 2635-2650. It is made of the Wilson intervals of both accuracies,
    and of their correlation. Fagerland, Lydersen and Laake (2014, the same journal, 33, 2850-2875) recommend it.

    Args:
        both, only_first, only_second, neither: The number of photos that both models, one of them or none gets right.

    Returns:
        The ends of the interval of first minus second, -1 to 1.
    """
    count = both + only_first + only_second + neither
    first, second = (both + only_first) / count, (both + only_second) / count
    lows, highs = zip(*(accuracy_interval(share * count, count) for share in (first, second)), strict=True)
    below, above = (first - lows[0], highs[1] - second), (highs[0] - first, second - lows[1])
    correlation = _correlation(both, only_first, only_second, neither)
    low, high = (
        math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2)) for one, other in (below, above)
    )
    return max(-1.0, first - second - low), min(1.0, first - second + high)


def _correlation(both: float, only_first: float, only_second: float, neither: float) -> float:
    """The correlation of being right, with Newcombe's correction for continuity: it is not overestimated."""
    product = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if product == 0:
        return 0.0
    surplus = both * neither - only_first * only_second
    if surplus > 0:
        surplus = max(0.0, surplus - (both + only_first + only_second + neither) / 2)
    return surplus / math.sqrt(product)


def is_chance(gained: int, lost: int) -> bool:
    """Whether the sign test finds the numbers of photos that only one of two models gets right not significant."""
    return sign_test(gained, lost) >= _CHANCE


def sign_test(gained: int, lost: int) -> float:
    """The probability of a split at least as uneven if neither model is better, 0 to 1."""
    total, least = gained + lost, min(gained, lost)
    uneven: int = sum(math.comb(total, count) for count in range(least + 1))
    return min(1.0, uneven / 2 ** (total - 1)) if total else 1.0
