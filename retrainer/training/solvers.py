"""The solvers by name, and the one that the options choose."""

from retrainer.arrays import Integers
from retrainer.events import Noted, Observer
from retrainer.options.fit import FitOptions
from retrainer.training.fitting import Balance, Solver
from retrainer.training.gradient_descent import GradientDescentSolver
from retrainer.training.lbfgs_solver import LbfgsSolver

# A name of `options.fit.SOLVER_NAMES` -> its class.
SOLVERS: dict[str, type[Solver]] = {"lbfgs": LbfgsSolver, "sgd": GradientDescentSolver}

# By default classes count alike if the largest has at least this many times the photos of the smallest.
_IMBALANCED = 3


def solver_of(options: FitOptions, counts: Integers, observer: Observer) -> Solver:
    """Returns the solver for all fits of a run.

    Args:
        options: The solver and its settings.
        counts: Photos of each class, `(C,)`.
        observer: Is called if classes are balanced because of their sizes.
    """
    return SOLVERS[options.solver_name].of(options, _balance(options, counts, observer))


def _balance(options: FitOptions, counts: Integers, observer: Observer) -> Balance:
    """Where each class counts as much as the others; by default in batches, and in losses if the sizes differ much."""
    if options.class_weight != "auto":
        balanced = options.class_weight == "balanced"
        return Balance(losses=balanced, batches=balanced)
    if options.solver_name == "sgd":
        # Its batches are balanced.
        return Balance()
    imbalance = counts.max() / counts.min()
    if imbalance < _IMBALANCED:
        return Balance()
    observer(
        Noted(
            f"The largest class has {imbalance:.1f} times as many photos as the smallest; each class counts as much as "
            "the others. --class_weight none lets each photo count as much."
        )
    )
    return Balance(losses=True)
