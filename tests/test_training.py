import math

import numpy as np
import pytest

from retrainer.arrays import Floats, Integers
from retrainer.errors import TrainingError
from retrainer.events import Event, StepEvaluated, silent
from retrainer.head import Head, gradient_step, initial_head, softmax
from retrainer.metrics import correct, cross_entropy
from retrainer.options import RetrainOptions
from retrainer.training import BalancedSampler, Examples, fit_by_gradient_descent, measured, sampled_rows

CLASSES, DEPTH = 3, 5


def options(**given: object) -> RetrainOptions:
    return RetrainOptions(**{"how_many_training_steps": 60, **given})  # type: ignore[arg-type]


def blobs(count: int = 60, seed: int = 0) -> Examples:
    """Three classes that lie apart."""
    generator = np.random.default_rng(seed)
    label_ids: Integers = np.arange(count) % CLASSES
    centres = np.eye(CLASSES, DEPTH) * 4
    return Examples((centres[label_ids] + generator.normal(size=(count, DEPTH))).astype(np.float32), label_ids)


def fit(training: Examples, observer=silent, **given: object) -> Head:  # type: ignore[no-untyped-def]
    return fit_by_gradient_descent(training, blobs(30, 1), CLASSES, options(**given), observer, lambda step, head: None)


def test_a_gradient_step_follows_the_numerical_gradient() -> None:
    examples = blobs(10)
    start = initial_head(DEPTH, CLASSES, np.random.default_rng(3))
    stepped = start.copy()
    gradient_step(stepped, examples.features, examples.label_ids, 1.0)
    for place in np.ndindex(start.weights.shape):
        nudged: list[float] = []
        for nudge in (-1e-2, 1e-2):
            head = start.copy()
            head.weights[place] += nudge
            nudged.append(cross_entropy(head.logits(examples.features), examples.label_ids))
        slope = (nudged[1] - nudged[0]) / 2e-2
        assert start.weights[place] - stepped.weights[place] == pytest.approx(slope, abs=2e-3)


def test_the_first_weights_are_truncated_and_small() -> None:
    head = initial_head(2000, 10, np.random.default_rng(0))
    assert np.abs(head.weights).max() <= 0.002
    assert head.weights.std() == pytest.approx(0.00088, rel=0.03)  # of a normal cut at two deviations
    assert not head.biases.any()


def test_softmax_and_cross_entropy_survive_large_logits() -> None:
    logits: Floats = np.array([[1000.0, 0.0], [0.0, 1000.0]], np.float32)
    assert softmax(logits).tolist() == [[1, 0], [0, 1]]
    label_ids = np.array([0, 0])
    assert cross_entropy(logits, label_ids) == pytest.approx(500)
    assert correct(logits, label_ids).tolist() == [True, False]
    assert cross_entropy(np.zeros((4, 5), np.float32), np.zeros(4, np.int64)) == pytest.approx(math.log(5))


def test_training_separates_what_can_be_separated() -> None:
    head = fit(blobs(), how_many_training_steps=400, learning_rate=0.1)
    assert measured(head, blobs(300, 2))[0] > 0.95


def test_batches_are_drawn_class_by_class() -> None:
    label_ids: Integers = np.array([0] * 990 + [1] * 10)
    rows = BalancedSampler(label_ids).rows((20_000,), np.random.default_rng(0))
    assert label_ids[rows].mean() == pytest.approx(0.5, abs=0.02)
    counts = np.bincount(rows, minlength=1000)
    assert counts[990:].min() > 850
    assert counts[:990].max() < 30


def test_a_class_without_examples_is_never_drawn() -> None:
    rows = BalancedSampler(np.array([0, 0, 2])).rows((100,), np.random.default_rng(0))
    assert set(rows.tolist()) == {0, 1, 2}


def test_minus_one_takes_all() -> None:
    generator = np.random.default_rng(0)
    assert sampled_rows(np.array([1, 0, 1]), -1, generator).tolist() == [0, 1, 2]
    assert len(sampled_rows(np.array([1, 0, 1]), 7, generator)) == 7
    assert len(sampled_rows(np.array([], np.int64), 7, generator)) == 0
    full, again = (fit(blobs(), train_batch_size=-1, seed=seed) for seed in (0, 0))
    np.testing.assert_array_equal(full.weights, again.weights)


def test_the_seed_decides_and_the_logging_does_not() -> None:
    first, again, other = (fit(blobs(), seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.weights, again.weights)
    assert not np.array_equal(first.weights, other.weights)
    np.testing.assert_array_equal(first.weights, fit(blobs(), seed=4, eval_step_interval=1).weights)


def test_steps_are_evaluated_at_the_interval_and_at_the_end() -> None:
    events: list[Event] = []
    fit(blobs(), events.append, how_many_training_steps=26, eval_step_interval=10, validation_batch_size=17)
    steps = [event for event in events if isinstance(event, StepEvaluated)]
    assert [event.step for event in steps] == [0, 10, 20, 25]
    assert {event.validation_count for event in steps} == {17}
    assert steps[-1].cross_entropy < steps[0].cross_entropy


def test_intermediate_heads_are_those_of_their_step() -> None:
    kept: dict[int, Head] = {}
    fit_by_gradient_descent(
        blobs(),
        blobs(),
        CLASSES,
        options(how_many_training_steps=31, intermediate_store_frequency=10),
        silent,
        lambda step, head: kept.update({step: head.copy()}),
    )
    assert sorted(kept) == [10, 20, 30]
    np.testing.assert_array_equal(kept[20].weights, fit(blobs(), how_many_training_steps=21).weights)


def test_without_validation_photos_only_training_is_measured() -> None:
    nothing = Examples(np.empty((0, DEPTH), np.float32), np.empty(0, np.int64))
    events: list[Event] = []
    fit_by_gradient_descent(blobs(), nothing, CLASSES, options(), events.append, lambda step, head: None)
    (last,) = [e for e in events if isinstance(e, StepEvaluated) and e.step == 59]
    assert last.validation_count == 0
    assert math.isnan(last.validation_accuracy)


def test_weights_that_grow_out_of_bounds_are_an_error() -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingError, match=r"out of bounds at step \d+(.|\n)*Lower --learning_rate"),
    ):
        fit(blobs(), learning_rate=1e38)
