"""An observer that writes a run's curves, weights, graph and test for TensorBoard."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from retrainer.errors import OutputError
from retrainer.events import (
    ConfusionMeasured,
    Event,
    HeadMeasured,
    IterationEvaluated,
    ModelWritten,
    PenaltyEvaluated,
    RunFinished,
    StageBegan,
    StepEvaluated,
    TestEvaluated,
)
from retrainer.models import summaries
from retrainer.models.event_files import CHOSEN, FOLDERS, TEST, TRAIN, VALIDATION, EventFile, require_own_folder
from retrainer.models.graph import graphdef
from retrainer.observers.confusion_picture import confusion_picture
from retrainer.system.files import require_writable_folder
from retrainer.text import shown

# TensorBoard's axes take whole numbers. Penalties are half a decade apart: 5 of these.
_PER_DECADE = 10
_PENALTY = "penalty/"
_HOW_TO_READ = """\
The solver L-BFGS fits one head for each of several *penalties* on large weights. Each point of the charts below
`penalty` is one head.

* The x axis is not time. It is -10 times the decimal logarithm of the penalty, so penalties grow weaker to the right:
  -10 stands for 10, 0 for 1, 10 for 0.1 and 20 for 0.01.
* `train` far above `validation` on the right is expected there: with a weak penalty a head learns its photos by heart.
* `chosen` marks the penalty that the model takes: {penalty:.2g}, at x = {x}. It is the one with the lowest cross
  entropy on validation after calibration, near usual penalties if many do equally well.
* `test` is the finished model on photos that chose nothing.
"""


class TensorBoard:
    """Writes what TensorBoard shows of a run; the same tags in several folders share a chart.

    Gradient descent gives `accuracy` and `cross_entropy` in `train/` and `validation/` for each measured step. L-BFGS
    gives the same below `penalty/` for each penalty, and `chosen/` repeats the one that the model takes. The histograms
    of weights and biases and the model's graph go to `train/`, as in 2017. The test accuracy, the confusion matrix and
    the settings of the run, for the page HParams, go to `test/`. The events of an earlier run in the folder are
    replaced when training is first measured.

    Args:
        summaries_dir: The folder; it is made if it is absent.
        settings: More settings of the run, by name.

    Raises:
        OptionError: the folder holds other files than an earlier run's events.
        OutputError: by a call, if the folder cannot be written.
    """

    def __init__(self, summaries_dir: str, settings: Mapping[str, str | float | bool] | None = None) -> None:
        require_own_folder(summaries_dir)
        self._folder = Path(summaries_dir)
        self._settings = dict(settings or {})
        self._files: dict[str, EventFile] = {}
        self._began = time.time()
        # Where the finished model stands: its charts' prefix and its place on their x axis.
        self._last = "", 0

    def __call__(self, event: Event) -> None:
        """Writes figures, weights, the graph and the test; ignores other events."""
        with self._clear_errors():
            match event:
                case StageBegan("bottlenecks"):
                    # A folder that cannot be written ends the run before the long work, not after it.
                    require_writable_folder(self._folder)
                case IterationEvaluated():
                    pass
                case StepEvaluated():
                    self._last = "", event.step
                    self._write_both(*self._last, event)
                case PenaltyEvaluated():
                    self._write_penalty(event)
                case HeadMeasured():
                    step = event.step if event.penalty is None else _x_of(event.penalty)
                    weights = summaries.histogram_of("final_training_ops/weights", event.weights)
                    self._file(TRAIN).add(weights, step)
                    self._file(TRAIN).add(summaries.histogram_of("final_training_ops/biases", event.biases), step)
                case ModelWritten(files) if "pb" in files:
                    # The run has just written it, so that its hash says nothing.
                    self._file(TRAIN).graph(graphdef.read_own_graph(files["pb"]))
                case TestEvaluated(accuracy):
                    for prefix, step in {self._last, ("", self._last[1])}:
                        self._write(TEST, prefix, step, {"accuracy": accuracy})
                case ConfusionMeasured():
                    self._write_confusion(event)
                case RunFinished():
                    self._write_settings(event)

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
        if not self._files:
            with suppress(OSError):  # it holds files of an earlier run, or was never made
                self._folder.rmdir()
        if problems and error is None:
            with self._clear_errors():
                raise problems[0]

    def _file(self, name: str) -> EventFile:
        """The file of a folder; the first one removes the files of an earlier run."""
        if not self._files:
            for folder in FOLDERS:
                EventFile.remove(self._folder / folder)
        if name not in self._files:
            self._files[name] = EventFile(self._folder / name)
        return self._files[name]

    def _write_both(self, prefix: str, step: int, event: StepEvaluated | PenaltyEvaluated) -> None:
        self._write(TRAIN, prefix, step, _trained(event))
        self._write(VALIDATION, prefix, step, _validated(event))

    def _write(self, folder: str, prefix: str, step: int, values: Mapping[str, float]) -> None:
        finite = {prefix + tag: value for tag, value in values.items() if math.isfinite(value)}
        if finite:
            self._file(folder).add(summaries.scalars_of(finite), step)

    def _write_penalty(self, event: PenaltyEvaluated) -> None:
        place = _PENALTY, _x_of(event.penalty)
        self._write_both(*place, event)
        if event.chosen:
            self._last = place
            self._settings["penalty"] = event.penalty
            unvalidated = math.isnan(event.validation_accuracy)
            self._write(CHOSEN, *place, (_trained if unvalidated else _validated)(event))
            card = _HOW_TO_READ.format(penalty=event.penalty, x=place[1])
            self._file(TRAIN).add(summaries.text_of("how_to_read_the_charts", card))

    def _write_confusion(self, event: ConfusionMeasured) -> None:
        self._file(TEST).add(summaries.picture_of("confusion_matrix", *confusion_picture(event.counts)))
        lines = ["Rows are the own classes, columns what the model takes the photos for.", ""]
        lines += [f"{number}. {_markdown(label)}" for number, label in enumerate(event.labels, start=1)]
        self._file(TEST).add(summaries.text_of("confusion_matrix_classes", "\n".join(lines)))

    def _write_settings(self, event: RunFinished) -> None:
        settings: dict[str, str | float | bool] = {
            "backbone": event.backbone,
            "solver": event.solver,
            "photos": float(event.photos),
        }
        seconds = self._began, time.time()
        self._file(TEST).add(summaries.hparams_of(self._folder.name, {**settings, **self._settings}, seconds))

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"--summaries_dir: cannot write in '{shown(self._folder)}': {error.strerror or error}.",
                "Free some space or name another folder.",
                path=self._folder,
            ) from error


def _trained(event: StepEvaluated | PenaltyEvaluated) -> dict[str, float]:
    return {"accuracy": event.train_accuracy, "cross_entropy": event.cross_entropy}


def _validated(event: StepEvaluated | PenaltyEvaluated) -> dict[str, float]:
    return {"accuracy": event.validation_accuracy, "cross_entropy": event.validation_cross_entropy}


def _x_of(penalty: float) -> int:
    """The place of a penalty on the x axis."""
    return round(-_PER_DECADE * math.log10(penalty))


def _markdown(label: str) -> str:
    """A label as it is, without a meaning in Markdown or HTML."""
    return "".join(character if character.isalnum() else f"&#{ord(character)};" for character in shown(label))
