import math

import numpy as np
import pytest

from retrainer.measuring.assessment import assess
from retrainer.training.metrics import accuracy_interval

LABELS = ("daisy", "roses", "tulips")
SCORES = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2]], np.float32)


def test_figures_by_hand() -> None:
    assessed = assess(LABELS, SCORES, np.array([0, 0, 1, 1]))
    assert (assessed.count, assessed.accuracy) == (4, 0.5)
    assert assessed.confusion == ((1, 1, 0), (1, 1, 0), (0, 0, 0))
    assert [(c.label, c.precision, c.recall, c.f1, c.support, c.correct) for c in assessed.classes] == [
        ("daisy", 0.5, 0.5, 0.5, 2, 1),
        ("roses", 0.5, 0.5, 0.5, 2, 1),
        ("tulips", None, None, None, 0, 0),
    ]
    assert (assessed.macro_precision, assessed.macro_recall, assessed.macro_f1) == (0.5, 0.5, 0.5)
    assert assessed.top == {2: 0.75}
    assert assessed.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.2) + math.log(0.3) + math.log(0.7)) / 4)
    assert assessed.interval == pytest.approx((0.150, 0.850), abs=1e-3)
    assert 0 < assessed.calibration_floor < 1


def test_precision_is_of_what_was_taken_for_a_class() -> None:
    assessed = assess(LABELS, SCORES, np.array([0, 1, 1, 1]))
    daisy, roses, _ = assessed.classes
    assert (daisy.precision, daisy.recall) == (0.5, 1.0)
    assert roses.precision == 1
    assert roses.recall == pytest.approx(2 / 3)
    assert roses.f1 == pytest.approx(0.8)
    assert assessed.macro_recall == pytest.approx(5 / 6)


def test_a_score_of_zero_costs_no_infinity() -> None:
    assert assess(("a", "b"), np.eye(2, dtype=np.float32), np.array([1, 1])).log_loss == pytest.approx(8.06, abs=0.01)


@pytest.mark.parametrize(
    ("right", "count", "interval"),
    [
        # Of R's prop.test without continuity correction.
        (8, 10, (0.4901625, 0.9433178)),
        (90, 100, (0.8256343, 0.9447708)),
        (0, 5, (0.0, 0.4344825)),
        (5, 5, (0.5655175, 1.0)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_intervals_are_wilsons(right: int, count: int, interval: tuple[float, float]) -> None:
    assert accuracy_interval(right, count) == pytest.approx(interval, abs=1e-6)


@pytest.mark.parametrize("copies", [1, 2, 7])
def test_an_interval_of_all_or_none_ends_where_the_range_does(copies: int) -> None:
    for count in range(1, 80):
        label_ids, groups = np.zeros(count, np.int64), np.arange(count) // copies
        right = assess(["a", "b"], np.tile(np.array([[0.9, 0.1]], np.float32), (count, 1)), label_ids, groups)
        wrong = assess(["a", "b"], np.tile(np.array([[0.1, 0.9]], np.float32), (count, 1)), label_ids, groups)
        assert (right.interval[1], wrong.interval[0]) == (1.0, 0.0)


def test_a_photo_with_many_copies_widens_the_interval_and_moves_no_figure() -> None:
    scores, label_ids = np.tile(np.array([[0.9, 0.1]], np.float32), (120, 1)), np.repeat([0, 1], 60)
    plain = assess(["a", "b"], scores, label_ids)
    assert assess(["a", "b"], scores, label_ids, np.arange(120)).interval == plain.interval
    grouped = assess(["a", "b"], scores, label_ids, np.r_[np.zeros(100, np.int64), np.arange(1, 21)])
    # Kish: 120 * 120 / (100 * 100 + 20).
    assert grouped.interval == pytest.approx(accuracy_interval(0.5 * 1.437126, 1.437126), abs=1e-6)
    assert (grouped.accuracy, grouped.count) == (plain.accuracy, 120)
