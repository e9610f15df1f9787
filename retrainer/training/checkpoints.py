"""Checkpoints of gradient descent on photos that did not train: which step to keep, and whether training overfits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats, Integers, spread
from retrainer.training.head import softmax
from retrainer.training.metrics import correct, losses_of
from retrainer.training.temperature import temperature_of

# The number of heads of a run that are reported and measured on all of validation, spread evenly; both take time.
_CHECKPOINTS = 40
# At most this many photos give the temperature of a step, which is enough to choose among steps.
_ENOUGH = 2000
# Validation has grown worse if its loss rose by this share and its accuracy fell by this much, both by this many
# standard errors. Figures are means of neighbouring checkpoints, a tenth of the run; fewer checkpoints are not judged.
# Measured on made-up sets, 20 seeds of each kind: none of 80 runs on four kinds that do not overfit raised an alarm,
# and 45 of 80 did on four kinds with many wrong labels.
_ROSE, _FELL, _SURE, _NEIGHBOURS, _FEWEST = 0.02, 0.01, 2.0, 4, 12
# A step counts as one of the first in the first twentieth of the run.
_FIRST = 20


def is_checkpoint(step: int, last: int) -> bool:
    """Whether a run measures its head after a step; `last` is its last step."""
    return step == last or step % (1 + last // _CHECKPOINTS) == 0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The head after a step, measured on N photos that it did not learn from.

    Attributes:
        step: From 0 on.
        temperature: The temperature that fits its logits best.
        losses: The cross entropy of each photo after that temperature, `(N,)`, nats.
        right: Whether it is right on each photo, `(N,)`.
        trained: Its accuracy on photos that it learns from, 0 to 1.
    """

    step: int
    temperature: float
    losses: Floats
    right: Bools
    trained: float

    @classmethod
    def of(cls, step: int, logits: Floats, label_ids: Integers, trained: float) -> "Checkpoint":
        """Returns the checkpoint of a head by its logits `(N, C)` for photos with class ids `(N,)`, N at least 1."""
        some = spread(len(logits), _ENOUGH)
        temperature = temperature_of(logits[some], label_ids[some])
        losses = losses_of(softmax(logits / np.float32(temperature)), label_ids)
        return cls(step, temperature, losses, correct(logits, label_ids), trained)

    @property
    def loss(self) -> float:
        """The mean cross entropy after the temperature, nats."""
        return float(self.losses.mean())


def best_of(history: Sequence[Checkpoint]) -> Checkpoint:
    """The checkpoint with the lowest finite loss."""
    return min(history, key=lambda checkpoint: checkpoint.loss if math.isfinite(checkpoint.loss) else math.inf)


def kept_among_the_first(history: Sequence[Checkpoint]) -> bool:
    """Whether the best head of a run is one of the first, and the last is clearly worse."""
    best, last = best_of(history), history[-1]
    if len(history) < _FEWEST or best.step * _FIRST > last.step:
        return False
    return _clearly(last.losses - best.losses, _ROSE * best.loss)


@dataclass(frozen=True)
class Overfitting:
    """A run that overfits.

    Attributes:
        step: The step since which it does.
        training, validation: The accuracies at that step and at the end, 0 to 1, each a mean over a tenth of the run.
    """

    step: int
    training: tuple[float, float]
    validation: tuple[float, float]

    def __str__(self) -> str:
        """The warning that a user reads."""
        trained, others = (f"{then:.1%} then and is {now:.1%} now" for then, now in (self.training, self.validation))
        return (
            f"Training is overfitting since step {self.step}: its accuracy on the photos that it trains on was "
            f"{trained}, on others it was {others}. The weights of the best step are kept; more photos or "
            "distortions such as --flip_left_right would help more."
        )


def overfitting_in(history: Sequence[Checkpoint]) -> Overfitting | None:
    """Returns how a run overfits, if training held or improved while validation grew clearly worse; None if not.

    Losses and accuracies are compared photo by photo, so that a change that chance explains does not count.
    """
    if len(history) < _FEWEST:
        return None
    losses, right = _smoothed([one.losses for one in history]), _smoothed([one.right for one in history])
    trained = _smoothed([np.array([one.trained]) for one in history]).mean(axis=1)
    lowest = int(losses.mean(axis=1).argmin())
    rose, fell = losses[-1] - losses[lowest], right[lowest] - right[-1]
    worse = _clearly(rose, _ROSE * float(losses[lowest].mean())) and _clearly(fell, _FELL)
    if not worse or trained[-1] < trained[lowest]:
        return None
    accuracies = right.mean(axis=1)
    step = history[lowest + _NEIGHBOURS // 2].step
    return Overfitting(
        step,
        (float(trained[lowest]), float(trained[-1])),
        (float(accuracies[lowest]), float(accuracies[-1])),
    )


def _smoothed(rows: Sequence[Floats | Bools]) -> npt.NDArray[np.float64]:
    """Means of `_NEIGHBOURS` neighbouring rows, `(len(rows) - _NEIGHBOURS + 1, N)`."""
    sums = np.cumsum(np.stack([np.zeros(rows[0].shape), *rows]), axis=0)
    means: npt.NDArray[np.float64] = (sums[_NEIGHBOURS:] - sums[:-_NEIGHBOURS]) / _NEIGHBOURS
    return means


def _clearly(differences: npt.NDArray[np.floating], least: float) -> bool:
    """Whether the mean of the photos' differences `(N,)` is above `least`, and larger than chance explains."""
    mean, error = float(differences.mean()), float(differences.std()) / math.sqrt(len(differences))
    return mean > max(least, _SURE * error)
