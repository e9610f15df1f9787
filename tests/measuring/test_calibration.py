import numpy as np
import pytest

from retrainer.arrays import Floats, Integers
from retrainer.measuring.calibration import calibration_error, calibration_floor
from retrainer.training.head import softmax
from retrainer.training.temperature import penalised_loss, temperature_of


def drawn(count: int, seed: int = 0) -> tuple[Floats, Integers]:
    """Logits `(count, 4)` and labels drawn from their softmax: perfectly calibrated."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(count, 4)).astype(np.float32)
    cumulated = softmax(logits).cumsum(axis=1)
    label_ids = (generator.random((count, 1)) > cumulated[:, :3]).sum(axis=1)
    return logits, label_ids


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_temperature_undoes_what_made_scores_too_sure(scale: float) -> None:
    logits, label_ids = drawn(20_000)
    assert temperature_of(logits * np.float32(scale), label_ids) == pytest.approx(scale, rel=0.03)


def test_a_temperature_gives_the_lowest_penalised_loss() -> None:
    logits, label_ids = drawn(40, seed=3)
    logits *= 4
    for weights in (np.ones(40, np.float32), np.linspace(0.1, 2, 40, dtype=np.float32)):
        best = temperature_of(logits, label_ids, weights)
        others = [penalised_loss(logits, label_ids, weights, best * factor) for factor in (0.97, 1.03)]
        assert penalised_loss(logits, label_ids, weights, best) < min(others)


def test_few_photos_hardly_move_a_temperature() -> None:
    logits, label_ids = drawn(400)
    few = temperature_of(logits[:3] * 9, logits[:3].argmax(axis=1))
    assert 0.7 < few < 1
    assert temperature_of(logits[:0], label_ids[:0]) == pytest.approx(1, abs=1e-3)
    assert temperature_of(logits * 9, label_ids) > 4


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.5, 0.5], np.float32)
    right = np.array([True, True, True, False, True, False])
    assert calibration_error(scores, right) == pytest.approx((4 * 0.20 + 2 * 0.0) / 6, abs=1e-6)
    assert calibration_error(np.ones(3, np.float32), np.ones(3, bool)) == 0


def test_the_floor_is_what_a_perfectly_calibrated_model_shows() -> None:
    logits, label_ids = drawn(3000)
    scores = softmax(logits)
    highest, right = scores.max(axis=1), scores.argmax(axis=1) == label_ids
    floor = calibration_floor(highest)
    assert calibration_error(highest, right) == pytest.approx(floor, abs=0.4 * floor)
    assert calibration_error(highest**0.2, right) > 5 * floor
    # By the square root of the number of photos.
    assert calibration_floor(highest[:750]) == pytest.approx(2 * floor, rel=0.15)
    assert calibration_floor(highest) == floor
