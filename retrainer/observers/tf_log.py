"""An observer that prints a run's log lines as in 2017."""

from datetime import datetime

from retrainer.events import (
    Calibrated,
    DownloadAdvanced,
    Event,
    ExtractionAdvanced,
    FolderScanned,
    FolderSkipped,
    FoldTested,
    Missed,
    ModelKept,
    Noted,
    PhotoMisclassified,
    StepEvaluated,
    TestEvaluated,
    Warned,
)
from retrainer.gathering import message_of
from retrainer.observers.log import Log
from retrainer.observers.progress import Progress
from retrainer.options.terminal import AUTO, NONE, TerminalOptions
from retrainer.system.terminal import can_redraw
from retrainer.text import shown


class TfLog(Log):
    """Prints the lines of 2017, and a bar if stderr is a terminal."""

    def __init__(self, options: TerminalOptions | None = None, *, lists_misclassified: bool = False) -> None:
        super().__init__(options, lists_misclassified=lists_misclassified)
        self._misclassified = 0
        if self.options.progress == AUTO and not can_redraw(err=True):
            # Lines about progress would not be those of 2017.
            self.progress = Progress(NONE)

    def __call__(self, event: Event) -> None:
        """Prints an event."""
        match event:
            case ExtractionAdvanced(done, total):
                self.progress.show("Bottlenecks", done, total)
            case DownloadAdvanced(_, received, expected):
                self.progress.show("Download", received, expected, in_bytes=True)
            case FoldTested(number, folds, accuracy, count):
                self._log("INFO", f"Fold {number} of {folds}: accuracy = {accuracy * 100:.1f}% (N={count})")
            case Noted(message):
                self._log("INFO", message)
            case FolderScanned(folder, _):
                self._log("INFO", f"Looking for images in '{shown(folder)}'")
            case Warned() | Missed():
                self._log("ERROR" if isinstance(event, FolderSkipped) else "WARNING", message_of(event))
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
            case PhotoMisclassified(path, predicted) if self.lists_misclassified:
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
        self.progress.say(f"{level}:tensorflow:{shown(message)}")
