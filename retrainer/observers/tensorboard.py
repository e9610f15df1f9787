"""An observer that writes a run's curves, weights and graph for TensorBoard."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType

from retrainer.errors import OutputError
from retrainer.events import Event, HeadMeasured, ModelWritten, StageBegan, StepEvaluated
from retrainer.models.event_files import TRAIN, VALIDATION, EventFile, require_own_folder
from retrainer.models.graph import graphdef
from retrainer.system.files import require_writable_folder
from retrainer.text import shown


class TensorBoard:
    """Writes `accuracy` and `cross_entropy` to `train/` and `validation/` under the same tags: they share charts.

    The histograms of weights and biases and the model's graph go to `train/`, as in 2017. The events of an earlier run
    in that folder are replaced when the first step is measured.

    Args:
        summaries_dir: The folder; it is made if it is absent.

    Raises:
        OptionError: the folder holds other files than an earlier run's events.
        OutputError: by a call, if the folder cannot be written.
    """

    def __init__(self, summaries_dir: str) -> None:
        require_own_folder(summaries_dir)
        self._folder = Path(summaries_dir)

    def __call__(self, event: Event) -> None:
        """Writes figures, weights and the graph; ignores other events."""
        with self._clear_errors():
            match event:
                case StageBegan("bottlenecks"):
                    # A folder that cannot be written ends the run before the long work, not after it.
                    require_writable_folder(self._folder)
                case StepEvaluated():
                    self._write(TRAIN, event.step, event.train_accuracy, event.cross_entropy)
                    if event.validation_count:
                        accuracy, loss = event.validation_accuracy, event.validation_cross_entropy
                        self._write(VALIDATION, event.step, accuracy, loss)
                case HeadMeasured(step, weights, biases):
                    self._files[TRAIN].histogram(step, "final_training_ops/weights", weights)
                    self._files[TRAIN].histogram(step, "final_training_ops/biases", biases)
                case ModelWritten(files) if "pb" in files:
                    # The run has just written it, so that its hash says nothing.
                    self._files[TRAIN].graph(graphdef.read_own_graph(files["pb"]))

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        problems = []
        for handle in self.__dict__.get("_files", {}).values():
            try:
                handle.close()
            except OSError as problem:
                problems.append(problem)
        if problems and error is None:
            with self._clear_errors():
                raise problems[0]

    @cached_property
    def _files(self) -> dict[str, EventFile]:
        return {name: EventFile(self._folder / name) for name in (TRAIN, VALIDATION)}

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
