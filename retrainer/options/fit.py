"""The solver that fits the head of a model, and its settings."""

from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, option, seed_option
from retrainer.options.split import BATCH_LIMITS

# The values of --solver; `training.solvers` has a class for each but auto.
SOLVER_NAMES = {
    "auto": "takes lbfgs unless a flag of sgd is given: how_many_training_steps, learning_rate or train_batch_size",
    "lbfgs": "converges",
    "sgd": "is the tutorial's gradient descent",
}
# The defaults of gradient descent are those of 2017.
_STEPS, _RATE, _BATCH_SIZE = 4000, 0.01, 100


@dataclass(frozen=True, kw_only=True)
class FitOptions(Options):
    """Which solver fits the head, and its settings."""

    heading = headings.HEAD

    solver: str = option(
        "auto",
        "How to fit the head: " + "; ".join(f"{name} {does}" for name, does in SOLVER_NAMES.items()) + ".",
        choices=SOLVER_NAMES,
    )
    class_weight: str = option(
        "auto",
        "balanced counts each class as much as the others, none counts each photo. auto takes balanced if the largest "
        "class has three times as many photos as the smallest. With auto, batches of gradient descent are balanced.",
        choices=("auto", "balanced", "none"),
    )
    how_many_training_steps: int | None = option(
        None, "Steps of gradient descent.", minimum=1, usual=_STEPS, heading=headings.DESCENT
    )
    learning_rate: float | None = option(
        None, "Factor on the gradient at each step.", above=0, usual=_RATE, heading=headings.DESCENT
    )
    train_batch_size: int | None = option(
        None, "Photos per training step; -1 takes all.", usual=_BATCH_SIZE, heading=headings.DESCENT, **BATCH_LIMITS
    )
    validation_batch_size: int = option(
        100,
        "Photos per validation of gradient descent; -1 takes all, as L-BFGS always does.",
        heading=headings.DESCENT,
        **BATCH_LIMITS,
    )
    eval_step_interval: int = option(10, "Measure and log every N steps.", minimum=1, heading=headings.DESCENT)
    seed: int = seed_option()

    def __post_init__(self) -> None:
        """Checks that the solver's settings go together."""
        super().__post_init__()
        if self.solver == "lbfgs" and (given := self._step_flags()):
            raise OptionError(
                f"--{given[0]}: expected --solver sgd, whose flag it is, received --solver lbfgs.",
                "Leave one of the two out.",
            )
        if self.class_weight == "balanced" and self.train_batch_size == -1:
            raise OptionError(
                "--class_weight: expected auto or none beside --train_batch_size -1, which takes each photo once a "
                "step; received balanced.",
                "Leave one of the two out.",
            )

    @property
    def solver_name(self) -> str:
        """The solver that fits the head: `solver`, but never `auto`."""
        if self.solver == "auto":
            return "sgd" if self._step_flags() else "lbfgs"
        return self.solver

    @property
    def steps(self) -> int:
        """How many steps gradient descent takes."""
        return self.how_many_training_steps or _STEPS

    @property
    def rate(self) -> float:
        """The factor on the gradient at each step."""
        return self.learning_rate or _RATE

    @property
    def batch_size(self) -> int:
        """Photos per training step; -1 takes all."""
        return self.train_batch_size or _BATCH_SIZE

    def _step_flags(self) -> list[str]:
        """The flags of gradient descent that were given."""
        flags = {
            "how_many_training_steps": self.how_many_training_steps,
            "learning_rate": self.learning_rate,
            "train_batch_size": self.train_batch_size,
        }
        return [name for name, value in flags.items() if value is not None]
