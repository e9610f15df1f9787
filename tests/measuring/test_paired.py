import numpy as np
import pytest

from retrainer.measuring.paired import paired, paired_interval
from retrainer.training.metrics import accuracy_interval


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Fagerland, Lydersen and Laake, "Statistical Analysis of Contingency Tables" (2017), chapter 8: the data of
        # Cavo et al. (2012) and of Bentur et al. (2009).
        ((59, 6, 16, 80), (-0.1186, -0.0046)),
        ((1, 1, 7, 12), (-0.507, -0.026)),
    ],
)
def test_the_interval_is_the_published_one(counts: tuple[int, int, int, int], expected: tuple[float, float]) -> None:
    assert paired_interval(*counts) == pytest.approx(expected, abs=0.0005)


def test_the_interval_turns_with_the_models() -> None:
    low, high = paired_interval(50, 12, 4, 9)
    assert paired_interval(50, 4, 12, 9) == pytest.approx((-high, -low))
    assert low < 8 / 75 < high


@pytest.mark.parametrize("counts", [(5, 0, 0, 0), (0, 0, 0, 5), (0, 5, 0, 0), (0, 0, 5, 0), (1, 0, 0, 0), (3, 0, 0, 3)])
def test_the_interval_stays_within_its_range_and_is_never_a_point(counts: tuple[int, int, int, int]) -> None:
    low, high = paired_interval(*counts)
    assert -1 <= low < high <= 1


def test_it_covers_the_true_difference_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.8, 0.1, 0.04, 0.06])
    tables = random.multinomial(150, shares, 4000)
    covered = [low <= 0.06 <= high for low, high in (paired_interval(*table) for table in tables.tolist())]
    assert 0.94 < np.mean(covered) < 0.97


def test_models_are_compared_photo_by_photo() -> None:
    first = np.array([1, 1, 1, 1, 0, 0, 1, 1, 1, 1], np.bool_)
    second = np.array([1, 1, 0, 0, 1, 0, 0, 1, 0, 0], np.bool_)
    pair = paired(first, second)
    assert (pair.count, pair.only_first, pair.only_second) == (10, 5, 1)
    assert pair.difference == pytest.approx(0.4)
    assert pair.interval == paired_interval(3, 5, 1, 1)
    assert pair.is_chance  # 7 of 64
    assert not paired(np.ones(6, np.bool_), np.zeros(6, np.bool_)).is_chance


def test_copies_count_as_one_photo_in_the_interval() -> None:
    first, second = (np.tile(np.array(right, np.bool_), 2) for right in ([1, 1, 0, 1, 0], [1, 0, 0, 0, 1]))
    pair = paired(first, second, np.tile(np.arange(5), 2))
    assert pair.count == 10
    assert pair.interval == pytest.approx(paired(first[:5], second[:5]).interval)
    assert accuracy_interval(3, 5)[0] < 0.6
