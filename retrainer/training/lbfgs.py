"""The limited-memory BFGS method: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5.

SciPy's has bounds, which a head does not need, and its import alone takes as long as a whole warm run.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]
"""A point `(n,)` -> the value there, and the gradient `(n,)`; smooth and convex."""

# Pairs of steps and gradients that stand for the curvature.
_MEMORY = 10
# The Armijo condition's constant, and how often a step is shortened before it counts as lost in rounding.
_SUFFICIENT_DECREASE, _SHORTENED = 1e-4, 20


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where the search is: a point `(n,)`, its value, and its gradient `(n,)`."""

    point: Vector
    value: float
    gradient: Vector


def minimise(objective: Objective, start: Vector, tolerance: float, most: int) -> Iterator[Iterate]:
    """Yields one point after the other, each lower, `start` first; the last is the minimum as far as was asked.

    Args:
        objective: What to minimise.
        start: `(n,)`.
        tolerance: Ends where a step lowers the value by less than this part of it.
        most: Steps at most.
    """
    here = Iterate(start, *objective(start))
    yield here
    pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=_MEMORY)
    for _ in range(most):
        there = _lower(objective, here, _direction(here.gradient, pairs))
        if there is None:
            return
        yield there
        step, change = there.point - here.point, there.gradient - here.gradient
        curvature = float(step @ change)
        if curvature > 0:
            pairs.append((step, change, curvature))
        if here.value - there.value <= tolerance * abs(here.value):
            return
        here = there


def _direction(gradient: Vector, pairs: deque[tuple[Vector, Vector, float]]) -> Vector:
    """The way down, by the two-loop recursion; without pairs yet, down the gradient by a length of one at most."""
    direction = -gradient
    if not pairs:
        return direction / max(1.0, float(np.linalg.norm(gradient)))
    shares = []
    for step, change, curvature in reversed(pairs):
        shares.append(float(step @ direction) / curvature)
        direction -= shares[-1] * change
    _, change, curvature = pairs[-1]
    direction *= curvature / float(change @ change)
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        direction += (share - float(change @ direction) / curvature) * step
    return direction


def _lower(objective: Objective, here: Iterate, direction: Vector) -> Iterate | None:
    """A point along the direction that lies low enough, None where rounding hides it.

    A step that is too long is shortened to the minimum of the parabola through what is known of the line.
    """
    slope = float(here.gradient @ direction)
    length = 1.0
    for _ in range(_SHORTENED):
        point = here.point + length * direction
        value, gradient = objective(point)
        if value <= here.value + _SUFFICIENT_DECREASE * length * slope:
            return Iterate(point, value, gradient)
        fall = value - here.value - length * slope
        shorter = -slope * length / (2 * fall) if np.isfinite(fall) and fall > 0 else 0.0
        length *= min(max(shorter, 0.1), 0.5)
    return None
