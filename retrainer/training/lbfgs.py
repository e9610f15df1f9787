"""The limited-memory BFGS method: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5.

SciPy's takes as long to import as a whole warm run, and has bounds, which a head does not need.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]
"""A smooth, convex function: takes a point `(n,)` and returns its value and its gradient `(n,)`."""

# The number of pairs of steps and changes of the gradient that approximate the curvature.
_MEMORY = 10
# The constant of the Armijo condition, and how often a step is shortened before rounding is taken to hide the descent.
_SUFFICIENT_DECREASE, _SHORTENED = 1e-4, 20


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point `(n,)` of the search, its value, and its gradient `(n,)`."""

    point: Vector
    value: float
    gradient: Vector


def minimise(objective: Objective, start: Vector, tolerance: float, most: int) -> Iterator[Iterate]:
    """Yields points from `start` on, each lower than the one before; the last is the minimum within the tolerance.

    Args:
        objective: The function to minimise.
        start: `(n,)`.
        tolerance: The search ends when a step lowers the value by less than this share of it.
        most: The largest number of steps.
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
    """The direction of the next step, by the two-loop recursion; the first is down the gradient, at most 1 long."""
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
    """A point along the direction that lies low enough; None if rounding hides it.

    A step that is too long is shortened to the minimum of a parabola through the known values on the line.
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
