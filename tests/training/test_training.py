import math
import re
from collections.abc import Sequence

import numpy as np
import pytest

from retrainer.arrays import Floats, Integers
from retrainer.errors import TrainingError
from retrainer.events import Event, Noted, StepEvaluated, Warned, silent
from retrainer.options.fit import FitOptions
from retrainer.training.batches import BalancedSampler
from retrainer.training.checkpoints import Checkpoint, overfitting_in
from retrainer.training.examples import Examples, measured
from retrainer.training.fitting import NO_SNAPSHOTS, Balance, Snapshots
from retrainer.training.fitting import fit as fit_head
from retrainer.training.gradient_descent import GradientDescentSolver
from retrainer.training.head import Head, gradient_step, initial_head, softmax
from retrainer.training.metrics import correct, cross_entropy

CLASSES, DEPTH = 3, 5


def solver(**given: object) -> GradientDescentSolver:
    options = FitOptions(**{"how_many_training_steps": 60, **given})  # type: ignore[arg-type]
    return GradientDescentSolver.of(options, Balance())


def blobs(count: int = 60, seed: int = 0) -> Examples:
    """Three classes that lie apart."""
    generator = np.random.default_rng(seed)
    label_ids: Integers = np.arange(count) % CLASSES
    centres = np.eye(CLASSES, DEPTH) * 4
    features = (centres[label_ids] + generator.normal(size=(count, DEPTH))).astype(np.float32)
    return Examples(features, np.arange(count), label_ids)


def fit(training: Examples, observer=silent, **given: object) -> Head:  # type: ignore[no-untyped-def]
    return solver(**given).fit(training, blobs(300, 1), CLASSES, observer, NO_SNAPSHOTS).head


def test_a_gradient_step_follows_the_numerical_gradient() -> None:
    examples = blobs(10)
    start = initial_head(DEPTH, CLASSES, np.random.default_rng(3))
    stepped = start.copy()
    gradient_step(stepped, examples.features, examples.label_ids, 1.0)
    for index in np.ndindex(start.weights.shape):
        nudged: list[float] = []
        for nudge in (-1e-2, 1e-2):
            head = start.copy()
            head.weights[index] += nudge
            nudged.append(cross_entropy(head.logits(examples.features), examples.label_ids))
        slope = (nudged[1] - nudged[0]) / 2e-2
        assert start.weights[index] - stepped.weights[index] == pytest.approx(slope, abs=2e-3)


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
    assert BalancedSampler(np.array([1, 0, 1])).batch(-1, generator).tolist() == [0, 1, 2]
    assert len(BalancedSampler(np.array([1, 0, 1])).batch(7, generator)) == 7
    assert len(BalancedSampler(np.array([], np.int64)).batch(7, generator)) == 0
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
    snapshots = Snapshots(10, lambda step, head: kept.update({step: head.copy()}))
    solver(how_many_training_steps=31).fit(blobs(), blobs(), CLASSES, silent, snapshots)
    assert sorted(kept) == [10, 20, 30]
    np.testing.assert_array_equal(kept[20].weights, fit(blobs(), how_many_training_steps=21).weights)


def test_without_validation_photos_only_training_is_measured() -> None:
    nothing = Examples(np.empty((0, DEPTH), np.float32), np.empty(0, np.int64), np.empty(0, np.int64))
    events: list[Event] = []
    solver().fit(blobs(), nothing, CLASSES, events.append, NO_SNAPSHOTS)
    (last,) = [e for e in events if isinstance(e, StepEvaluated) and e.step == 59]
    assert last.validation_count == 0
    assert math.isnan(last.validation_accuracy)


def test_weights_that_grow_out_of_bounds_are_an_error() -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingError, match=r"out of bounds at step \d+(.|\n)*Lower --learning_rate"),
    ):
        fit(blobs(), learning_rate=1e38)


def history(figures: Sequence[tuple[float, float, float]], count: int = 200) -> list[Checkpoint]:
    """Checkpoints of each hundredth step: validation loss, validation accuracy and training accuracy.

    Of the same photos the same are the first to be wrong, and all cost the same.
    """
    return [
        Checkpoint(
            100 * number,
            1.0,
            np.full(count, loss, np.float32),
            np.arange(count) < round(accuracy * count),
            train,
        )
        for number, (loss, accuracy, train) in enumerate(figures)
    ]


def test_overfitting_is_noticed_since_the_step_of_the_lowest_loss() -> None:
    falls = [(1.0 - 0.03 * n, 0.5 + 0.015 * n, 0.6 + 0.005 * n) for n in range(20)]
    rises = [(0.4 + 0.03 * n, 0.8 - 0.015 * n, 0.75 + 0.005 * n) for n in range(20)]
    turn = overfitting_in(history(falls + rises))
    assert turn is not None
    assert 1800 <= turn.step <= 2200
    assert overfitting_in(history(falls)) is None
    # Training does not improve: the learning rate is too high, or the photos changed, but nothing is overfitted.
    assert overfitting_in(history(falls + [(loss, accuracy, 0.5) for loss, accuracy, _ in rises])) is None
    assert overfitting_in(history((falls + rises)[::4])) is None
    assert overfitting_in([]) is None


def test_what_one_photo_of_few_explains_is_no_overfitting() -> None:
    """One photo of 20 becomes wrong: five points less, and a loss that is a tenth higher."""
    right = np.arange(20) < 18
    figures = [(np.full(20, 0.5, np.float32), right, 0.9)] * 20
    wrong, losses = right.copy(), np.full(20, 0.5, np.float32)
    wrong[0], losses[0] = False, 1.7
    figures += [(losses, wrong, 0.95)] * 20
    steps = [Checkpoint(n, 1.0, one, so, trained) for n, (one, so, trained) in enumerate(figures)]
    assert overfitting_in(steps) is None


def overlapping(count: int, seed: int, noise: float) -> Examples:
    """Three classes with another label for a share of the photos."""
    generator = np.random.default_rng(seed)
    examples = blobs(count, seed)
    wrong = np.where(generator.random(count) < noise, (examples.label_ids + 1) % CLASSES, examples.label_ids)
    return Examples(examples.matrix, examples.rows, wrong)


def test_a_set_that_does_not_overfit_raises_no_alarm_however_steps_waver() -> None:
    """With batches of validation photos four of these ten did."""
    for seed in range(10):
        events: list[Event] = []
        settings = solver(how_many_training_steps=300, learning_rate=0.5, seed=seed)
        training, validation = overlapping(900, seed, 0.1), overlapping(200, seed + 100, 0.1)
        settings.fit(training, validation, CLASSES, events.append, NO_SNAPSHOTS)
        assert not [event for event in events if isinstance(event, Warned)]


def hard(count: int, generator: np.random.Generator) -> Examples:
    """Five classes that overlap."""
    label_ids = np.arange(count) % 5
    features = generator.normal(size=(count, 128)).astype(np.float32)
    features[:, :5] += np.eye(5, dtype=np.float32)[label_ids]
    return Examples(2 * features, np.arange(count), label_ids)


@pytest.mark.parametrize("validating", [200, 60])
def test_large_steps_do_not_ship_the_head_of_the_first_step(validating: int) -> None:
    """Their heads are far too sure, which costs more than the first head's even scores, but a temperature mends it."""
    generator = np.random.default_rng(1)
    training, validation, held_out = (hard(count, generator) for count in (400, validating, 2000))
    events: list[Event] = []
    settings = solver(how_many_training_steps=1500, learning_rate=0.3, validation_batch_size=-1)
    kept = settings.fit(training, validation, 5, events.append, NO_SNAPSHOTS)
    steps = [event for event in events if isinstance(event, StepEvaluated)]
    assert min(event.validation_cross_entropy for event in steps[1:]) > steps[0].validation_cross_entropy
    one_step = solver(how_many_training_steps=1, learning_rate=0.3)
    first = one_step.fit(training, validation, 5, silent, NO_SNAPSHOTS)
    assert kept.facts["step"] > 0
    assert kept.temperature > 2
    assert measured(kept.head, held_out)[0] > measured(first.head, held_out)[0] + 0.02
    (noted,) = [event.message for event in events if isinstance(event, Noted)]
    assert noted.startswith(f"Kept step {kept.facts['step']} (best on ")


def test_the_step_that_is_kept_is_among_the_facts_and_an_early_one_is_warned_of() -> None:
    """All labels of training are another class's of validation: whatever is learnt does harm."""
    training, validation = blobs(300), blobs(300, 1)
    validation = Examples(validation.matrix, validation.rows, (validation.label_ids + 1) % CLASSES)
    events: list[Event] = []
    trained = fit_head(training, validation, CLASSES, solver(how_many_training_steps=400), events.append)
    assert trained.facts["step"] == 0
    (message,) = [event.message for event in events if isinstance(event, Warned) and "is kept:" in event.message]
    assert message == (
        "Step 0 of 399 is kept: later steps do worse on photos that they did not learn from. "
        "Steps are probably too large: lower --learning_rate, now 0.01; 0.01 is usual."
    )
    good = fit_head(training, blobs(300, 1), CLASSES, solver(how_many_training_steps=400), events.append)
    assert good.facts["step"] > 300


def test_a_run_that_overfits_says_so_and_what_to_do() -> None:
    generator = np.random.default_rng(0)

    def mislabelled(count: int, share: float) -> Examples:
        label_ids = np.arange(count) % CLASSES
        features = generator.normal(size=(count, 200)).astype(np.float32)
        features[:, :CLASSES] += 2 * np.eye(CLASSES, dtype=np.float32)[label_ids]
        mislabelled = np.where(generator.random(count) < share, (label_ids + 1) % CLASSES, label_ids)
        return Examples(features, np.arange(count), mislabelled)

    events: list[Event] = []
    training, validation = mislabelled(150, 0.35), mislabelled(900, 0.0)
    settings = solver(how_many_training_steps=3000, learning_rate=0.005, validation_batch_size=-1)
    head = settings.fit(training, validation, CLASSES, events.append, NO_SNAPSHOTS).head
    (message,) = [event.message for event in events if isinstance(event, Warned) and "overfitting" in event.message]
    assert re.match(
        r"Training is overfitting since step \d+: its accuracy on the photos that it trains on was", message
    )
    assert "The weights of the best step are kept" in message
    last = [event for event in events if isinstance(event, StepEvaluated)][-1]
    assert measured(head, validation)[1] < 0.9 * last.validation_cross_entropy
