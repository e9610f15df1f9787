"""An observer that prints one line for each stage of a run, and after it what the user should know."""

from retrainer.events import (
    Began,
    Calibrated,
    CurveAdvanced,
    Detailed,
    DownloadAdvanced,
    Event,
    ExtractionAdvanced,
    FolderScanned,
    FoldTested,
    Missed,
    ModelKept,
    Noted,
    PhotoMisclassified,
    RunFinished,
    StageBegan,
    StepEvaluated,
    Warned,
)
from retrainer.gathering import Gathered, message_of
from retrainer.observers.log import Log
from retrainer.observers.stages import StageFacts
from retrainer.options.terminal import TerminalOptions
from retrainer.system.terminal import columns, has_columns
from retrainer.text import in_columns, shown

_WARNING = "yellow"


class Console(Log):
    """Prints the stages of a run to stderr.

    Warnings and notes of a stage stand below its line, and one line tells several warnings of a kind. With `verbose`
    all of them, and all steps, are printed as they come.
    """

    def __init__(self, options: TerminalOptions | None = None, *, lists_misclassified: bool = False) -> None:
        super().__init__(options, lists_misclassified=lists_misclassified)
        self._facts = StageFacts()
        self._gathered = Gathered()
        self._notes: list[str] = []

    def __call__(self, event: Event) -> None:
        """Prints an event, or keeps it until its stage ends."""
        self._advance(event)
        match event:
            case StageBegan():
                self.finish()
            case Began(message):
                if self._facts.line():
                    self.finish()
                self._say(message)
            case Warned() | Missed() if self.options.verbose:
                self._say(f"Warning: {message_of(event)}", _WARNING)
            case Warned() | Missed():
                self._gathered.add(event)
            case PhotoMisclassified(path, predicted) if self.lists_misclassified:
                self._notes.append(f"Taken for {shown(predicted)}: {shown(path)}")
            case Noted(message) if not isinstance(event, Detailed) and not self.options.verbose:
                self._notes.append(message)
            case _ if self.options.verbose and (detail := _detail_of(event)):
                self._say(f"  {detail}")
        self._facts.add(event)
        if isinstance(event, RunFinished):
            self.finish()

    def _advance(self, event: Event) -> None:
        """Shows the progress of long work."""
        match event:
            case ExtractionAdvanced(done, total):
                self.progress.show("Reading photos", done, total)
            case DownloadAdvanced(_, received, expected):
                self.progress.show("Downloading", received, expected, in_bytes=True)
            case FoldTested(number, folds):
                self.progress.show("Testing folds", number, folds)
            case CurveAdvanced(done, total):
                self.progress.show("Measuring the learning curve", done, total)

    def finish(self, *, failed: bool = False) -> None:
        """Ends a stage: prints its line unless it failed, its notes and its warnings."""
        super().finish()
        facts, self._facts = self._facts, StageFacts()
        notes, self._notes = self._notes, []
        if not failed and (line := facts.line()):
            self._say(line)
        for note in notes:
            self._say(note)
        for warning in self._gathered.taken():
            self._say(f"Warning: {warning}", _WARNING)

    def _say(self, text: str, colour: str = "") -> None:
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        lines = in_columns(text, columns(err=True), indent) if has_columns(err=True) else [shown(text)]
        self.progress.say("\n".join(lines), colour)


def _detail_of(event: Event) -> str:
    """What only `verbose` prints; empty if it is nothing."""
    match event:
        case FolderScanned(folder, photos):
            return f"'{shown(folder)}': {photos:,} file{'s' * (photos != 1)}"
        case FoldTested(number, folds, accuracy, count):
            return f"Fold {number} of {folds}: {_percent(accuracy)} of {count:,} photos right"
        case StepEvaluated():
            validation = f", {_percent(event.validation_accuracy)} of validation" if event.validation_count else ""
            loss = f"cross entropy {event.cross_entropy:.4f}"
            return f"Step {event.step}: {_percent(event.train_accuracy)} of training right{validation}; {loss}"
        case Calibrated(temperature, (loss, new_loss), (error, new_error), floor, count):
            losses = f"log loss {loss:.3f} → {new_loss:.3f}, calibration error {error:.3f} → {new_error:.3f}"
            return f"Temperature {temperature:.3f}: {losses} (by chance {floor:.3f}) on {count:,} test photos"
        case ModelKept(path):
            return f"Wrote '{shown(path)}'"
    return event.message if isinstance(event, Noted) else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
