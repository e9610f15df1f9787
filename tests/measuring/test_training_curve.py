"""The curve of a training is made of the events that tell it."""

import math

from retrainer.events import Event, IterationEvaluated, Noted, PenaltyEvaluated, StepEvaluated
from retrainer.measuring.training_curve import TrainingCurve, TrainingPoint, TrainingRecord


def test_penalties_and_steps_are_curves_and_iterations_are_not() -> None:
    passed: list[Event] = []
    of_penalties, of_steps = TrainingRecord(passed.append), TrainingRecord(passed.append)
    events = [
        IterationEvaluated(0, 0.1, 0.2, 0.3, 0.4, 5),
        PenaltyEvaluated(1.0, 0.8, 0.5, 0.7, 0.6, chosen=False),
        Noted("something"),
        PenaltyEvaluated(0.1, 0.9, 0.4, 0.75, 0.5, chosen=True),
    ]
    for event in events:
        of_penalties(event)
    points = TrainingPoint(1.0, 0.8, 0.7), TrainingPoint(0.1, 0.9, 0.75, chosen=True)
    assert of_penalties.curve == TrainingCurve("penalty", points)
    assert of_steps.curve is None
    of_steps(StepEvaluated(10, 0.5, 1.0, math.nan, math.nan, 0))
    assert of_steps.curve is not None
    assert (of_steps.curve.by, of_steps.curve.points[0].at) == ("step", 10)
    assert [*events, passed[-1]] == passed
