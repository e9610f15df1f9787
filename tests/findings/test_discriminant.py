import numpy as np

from retrainer.arrays import normalised
from retrainer.findings.discriminant import discriminant_scores


def test_scores_are_calibrated_and_made_by_other_folds() -> None:
    generator = np.random.default_rng(0)
    true_ids = np.arange(400) % 4
    label_ids = true_ids.copy()
    label_ids[:20] = (label_ids[:20] + 1) % 4
    features = 2 * np.eye(4, 200)[true_ids] + 0.3 * generator.normal(size=(400, 200))
    vectors = normalised(features.astype(np.float32))
    scores = discriminant_scores(vectors, label_ids, 4, np.arange(400) // 4 % 5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    right = scores.argmax(axis=1) == true_ids
    assert right[:20].all()
    assert right.mean() > 0.97
    assert abs(scores.max(axis=1).mean() - (scores.argmax(axis=1) == label_ids).mean()) < 0.04


def test_a_class_that_no_other_fold_has_is_impossible_and_equal_photos_say_nothing() -> None:
    label_ids, folds = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0])
    vectors = normalised(np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32))
    assert discriminant_scores(vectors, label_ids, 3, folds)[4, 2] == 0
    same = np.ones((5, 1), np.float32)
    assert (np.ptp(discriminant_scores(same, label_ids, 3, folds)[:, :2], axis=1) < 1e-6).all()
    assert np.isfinite(discriminant_scores(same, label_ids, 3, np.zeros(5, np.int64))).all()
