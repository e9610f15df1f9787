"""A run's curves, weights and graph for TensorBoard."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from retrainer.errors import OutputError
from retrainer.events import Event, HeadMeasured, StepEvaluated
from retrainer.models.event_files import TRAIN, VALIDATION, EventFile
from retrainer.system.files import shown


class TensorBoard:
    """Writes `accuracy` and `cross_entropy` to `train/` and `validation/`, the same tags, so that they share charts.

    The weights' and biases' histograms and the graph go to `train/`, as in 2017.

    Args:
        summaries_dir: Made if absent; an older run's events in it are replaced.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, summaries_dir: str) -> None:
        self._folder = Path(summaries_dir)
        with self._clear_errors():
            self._files = {name: EventFile(self._folder / name) for name in (TRAIN, VALIDATION)}

    def __call__(self, event: Event) -> None:
        """Writes figures and weights; ignores other events."""
        with self._clear_errors():
            match event:
                case StepEvaluated():
                    self._write(TRAIN, event.step, event.train_accuracy, event.cross_entropy)
                    if event.validation_count:
                        accuracy, loss = event.validation_accuracy, event.validation_cross_entropy
                        self._write(VALIDATION, event.step, accuracy, loss)
                case HeadMeasured(step, weights, biases):
                    self._files[TRAIN].histogram(step, "final_training_ops/weights", weights)
                    self._files[TRAIN].histogram(step, "final_training_ops/biases", biases)

    def graph(self, graph: Any) -> None:
        """Writes the model's graph."""
        with self._clear_errors():
            self._files[TRAIN].graph(graph)

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        problems = []
        for handle in self._files.values():
            try:
                handle.close()
            except OSError as problem:
                problems.append(problem)
        if problems and error is None:
            with self._clear_errors():
                raise problems[0]

    def _write(self, name: str, step: int, accuracy: float, cross_entropy: float) -> None:
        values = {"accuracy": accuracy, "cross_entropy": cross_entropy}
        self._files[name].scalars(step, {tag: value for tag, value in values.items() if math.isfinite(value)})

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"--summaries_dir: cannot write in '{shown(self._folder)}': {error.strerror or error}.",
                "Free some space or name another folder.",
            ) from error
