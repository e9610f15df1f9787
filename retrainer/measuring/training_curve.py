"""How training went: the accuracy for each penalty that was tried, or after steps."""

from dataclasses import dataclass

from retrainer.events import Event, IterationEvaluated, Observer, PenaltyEvaluated, StepEvaluated


@dataclass(frozen=True)
class TrainingPoint:
    """A point of the curve; accuracies are 0 to 1.

    Attributes:
        at: The penalty, or the number of steps.
        training: The accuracy on the photos that the head learnt from.
        validation: The accuracy on those that it did not learn from; NaN if there are none.
        chosen: Whether the model takes this penalty.
    """

    at: float
    training: float
    validation: float
    chosen: bool = False


@dataclass(frozen=True)
class TrainingCurve:
    """The points of a training in their order, and what they are `by`: `penalty` or `step`."""

    by: str
    points: tuple[TrainingPoint, ...]


class TrainingRecord:
    """An observer that passes events on to another one and keeps the curve of a training."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._by = ""
        self._points: list[TrainingPoint] = []

    def __call__(self, event: Event) -> None:
        """Passes an event on."""
        match event:
            case PenaltyEvaluated(penalty, train, _, validation, _, chosen):
                self._by = "penalty"
                self._points.append(TrainingPoint(penalty, train, validation, chosen))
            case StepEvaluated(step, train, _, validation) if not isinstance(event, IterationEvaluated):
                self._by = "step"
                self._points.append(TrainingPoint(step, train, validation))
        self._observer(event)

    @property
    def curve(self) -> TrainingCurve | None:
        """The points so far; None if there are none."""
        return TrainingCurve(self._by, tuple(self._points)) if self._points else None
