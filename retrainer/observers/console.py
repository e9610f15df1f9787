"""An observer that prints a run's log lines, as in 2017, and progress bars to stderr."""

import sys
from datetime import datetime
from types import TracebackType
from typing import Any

from retrainer.events import (
    Calibrated,
    DownloadAdvanced,
    Event,
    ExtractionAdvanced,
    FolderScanned,
    FolderSkipped,
    Missed,
    ModelKept,
    Noted,
    PhotoMisclassified,
    StepEvaluated,
    TestEvaluated,
    Warned,
)
from retrainer.system.terminal import say
from retrainer.text import shown


class Console:
    """Prints events. Progress bars appear only if stderr is a terminal."""

    def __init__(self, *, lists_misclassified: bool = False) -> None:
        self._lists_misclassified = lists_misclassified
        self._misclassified = 0
        self._bar: Any = None
        self._task: Any = None
        self._task_name = ""

    def __enter__(self) -> "Console":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_bar()

    def __call__(self, event: Event) -> None:
        """Prints an event."""
        match event:
            case ExtractionAdvanced(done, total):
                self._advance("Bottlenecks", done, total, "photos")
            case DownloadAdvanced(_, received, expected):
                self._advance("Download", received, expected, "bytes")
            case Noted(message):
                self._log("INFO", message)
            case FolderScanned(folder, _):
                self._log("INFO", f"Looking for images in '{shown(folder)}'")
            case Warned(message):
                self._log("WARNING", message)
            case Missed():
                level = "ERROR" if isinstance(event, FolderSkipped) else "WARNING"
                self._log(level, f"{event.verb} {event.problem}.")
            case StepEvaluated():
                self._step(event)
            case TestEvaluated(accuracy, count):
                self._log("INFO", f"Final test accuracy = {accuracy * 100:.1f}% (N={count})")
            case Calibrated(temperature, (loss, new_loss), (error, new_error), floor, count):
                by_temperature = f"{loss:.3f} → {new_loss:.3f} with temperature {temperature:.3f}"
                self._log("INFO", f"Log loss {by_temperature} (N={count})")
                by_chance = f"a perfectly calibrated model shows {floor:.3f} by chance"
                self._log("INFO", f"Calibration error {error:.3f} → {new_error:.3f}; {by_chance} (N={count})")
            case ModelKept(path):
                self._log("INFO", f"Save intermediate result to : {shown(path)}")
            case PhotoMisclassified(path, predicted) if self._lists_misclassified:
                if not self._misclassified:
                    self._log("INFO", "=== MISCLASSIFIED TEST IMAGES ===")
                self._misclassified += 1
                self._log("INFO", f"{shown(path):>70}  {predicted}")

    def _step(self, event: StepEvaluated) -> None:
        now = datetime.now()
        step = f"{now}: Step {event.step}"
        self._log("INFO", f"{step}: Train accuracy = {event.train_accuracy * 100:.1f}%")
        self._log("INFO", f"{step}: Cross entropy = {event.cross_entropy:f}")
        if event.validation_count:
            accuracy = f"{event.validation_accuracy * 100:.1f}%"
            self._log("INFO", f"{step}: Validation accuracy = {accuracy} (N={event.validation_count})")

    def _log(self, level: str, message: str) -> None:
        line = f"{level}:tensorflow:{shown(message)}"
        if self._bar:
            self._bar.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            say(line, err=True)

    def _advance(self, what: str, done: int, total: int, unit: str) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar and self._task_name != what:
            self._close_bar()
        if self._bar is None:
            self._open_bar(what, total, unit)
        speed = self._bar.tasks[self._task].speed
        self._bar.update(self._task, completed=done, rate=f"{speed:,.0f}/s" if speed else "")
        if done == total:
            self._close_bar()

    def _open_bar(self, what: str, total: int, unit: str) -> None:
        from rich import progress
        from rich.console import Console as RichConsole

        columns: list[progress.ProgressColumn] = [progress.TextColumn(what), progress.BarColumn()]
        if unit == "bytes":
            columns += [progress.DownloadColumn(), progress.TransferSpeedColumn()]
        else:
            columns += [progress.MofNCompleteColumn(), progress.TextColumn("{task.fields[rate]}")]
        columns.append(progress.TimeRemainingColumn())
        self._bar = progress.Progress(*columns, console=RichConsole(stderr=True))
        self._bar.start()
        self._task, self._task_name = self._bar.add_task("", total=total or None, rate=""), what

    def _close_bar(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
