import numpy as np
import pytest

from retrainer.arrays import Floats, normalised
from retrainer.findings import neighbours
from retrainer.findings.neighbours import directions_of, nearest
from retrainer.training.examples import Examples


def unit(count: int, depth: int, seed: int = 0) -> Floats:
    return normalised(np.random.default_rng(seed).normal(size=(count, depth)).astype(np.float32))


@pytest.mark.parametrize("count", [2, 63, 64, 65, 300])
def test_search_is_exact_whatever_the_blocks(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_AT_ONCE", 7 * 320)
    vectors, groups = unit(count, 9), np.arange(count)
    found = nearest(vectors, groups, 5)
    products = vectors @ vectors.T
    np.fill_diagonal(products, -np.inf)
    expected = np.argsort(-products, axis=1)[:, : min(5, count - 1)]
    assert found.rows.tolist() == expected.tolist()
    np.testing.assert_allclose(found.similarities, np.take_along_axis(products, expected, axis=1), atol=1e-6)


def test_photos_of_a_group_are_no_neighbours_and_missing_ones_are_marked() -> None:
    found = nearest(unit(4, 3), np.array([5, 5, 5, 9]), 3)
    assert found.of(0).tolist() == [3]
    assert found.rows[0].tolist() == [3, -1, -1]
    assert found.similarities[0, 1:].tolist() == [-1, -1]
    assert sorted(found.of(3).tolist()) == [0, 1, 2]
    assert nearest(unit(1, 3), np.array([0]), 3).of(0).tolist() == []


def test_many_photos_are_compared_by_their_main_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, 12)) @ generator.normal(size=(12, 300))
    features += 0.01 * generator.normal(size=features.shape)
    examples = Examples(features.astype(np.float32), np.arange(400), np.zeros(400, np.int64))
    whole = nearest(directions_of(examples), np.arange(400), 5)
    monkeypatch.setattr(neighbours, "MOST_IN_FULL", 100)
    main = directions_of(examples)
    assert main.shape == (400, 128)
    assert (np.linalg.norm(main, axis=1) <= 1 + 1e-5).all()
    assert (nearest(main, np.arange(400), 5).rows == whole.rows).mean() > 0.99
