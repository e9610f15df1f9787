"""Training curves as TensorBoard's event files, written without TensorFlow."""

import math
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from retrainer.errors import OutputError
from retrainer.events import Event, StepEvaluated
from retrainer.files import shown

# Marks the files as ours: a later run replaces these, and no others.
SUFFIX = ".retrainer"
_PREFIX = "events.out.tfevents"


class TensorBoard:
    """Writes `accuracy` and `cross_entropy` to `train/` and `validation/`, the same tags, so that they share charts.

    Args:
        summaries_dir: Made if absent; an older run's events in it are replaced, nothing else is touched.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, summaries_dir: str) -> None:
        self._folder = Path(summaries_dir)
        try:
            self._files = {name: self._new_file(self._folder / name) for name in ("train", "validation")}
        except OSError as error:
            raise self._error(error) from error

    def __call__(self, event: Event) -> None:
        """Writes a step's figures; ignores other events."""
        if not isinstance(event, StepEvaluated):
            return
        try:
            self._write("train", event.step, event.train_accuracy, event.cross_entropy)
            if event.validation_count:
                self._write("validation", event.step, event.validation_accuracy, event.validation_cross_entropy)
        except OSError as error:
            raise self._error(error) from error

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
            raise self._error(problems[0]) from problems[0]

    def _new_file(self, folder: Path) -> Any:
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob(f"{_PREFIX}.*{SUFFIX}"):
            older.unlink()
        handle = open(folder / f"{_PREFIX}.{int(time.time()):010d}.{os.getpid()}{SUFFIX}", "wb")  # noqa: SIM115
        writer = RecordWriter(handle)
        writer.write(_event(file_version="brain.Event:2").SerializeToString())
        return writer

    def _write(self, name: str, step: int, accuracy: float, cross_entropy: float) -> None:
        event = _event(step=step)
        for tag, value in (("accuracy", accuracy), ("cross_entropy", cross_entropy)):
            if math.isfinite(value):
                event.summary.value.add(tag=tag, simple_value=value)
        self._files[name].write(event.SerializeToString())

    def _error(self, error: OSError) -> OutputError:
        return OutputError(
            f"--summaries_dir: cannot write in '{shown(self._folder)}': {error.strerror or error}.",
            "Free some space or name another folder.",
        )


def _event(**fields: Any) -> Any:
    from tensorboard.compat.proto import event_pb2

    return event_pb2.Event(wall_time=time.time(), **fields)
