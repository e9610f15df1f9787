"""What became known in a stage of a run, and the line that says it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from retrainer.backbones.available import described
from retrainer.events import (
    BackboneReady,
    Event,
    FilesFound,
    FilesLeftOut,
    FoldTested,
    HeadFitted,
    PhotoSkipped,
    PhotosRead,
    StageEnded,
)
from retrainer.text import counted

# A shorter time is not said.
_SECONDS = 0.05


@dataclass
class StageFacts:
    """The facts of one stage.

    Attributes:
        folds: The folds that were tested.
        last: What else was reached last, such as a head.
        skipped, left_out: How many files were skipped and left out.
        seconds: How long the stage took.
    """

    folds: list[FoldTested] = field(default_factory=list)
    last: Event | None = None
    skipped: int = 0
    left_out: int = 0
    seconds: float = 0.0

    def add(self, event: Event) -> None:
        """Adds what an event says."""
        match event:
            case StageEnded(_, seconds):
                self.seconds = seconds
            case PhotoSkipped():
                self.skipped += 1
            case FilesLeftOut(_, count):
                self.left_out += count
            case FoldTested():
                self.folds.append(event)
            case FilesFound() | BackboneReady() | PhotosRead() | HeadFitted():
                self.last = event

    def line(self) -> str:
        """The line of the stage; empty if nothing is known of it."""
        line = next(self._lines(), "")
        if line and self.skipped:
            line += f" · {self.skipped:,} skipped"
        if line and self.left_out:
            line += f" · {self.left_out:,} left out"
        return line

    def _lines(self) -> Iterator[str]:
        took = f" in {self.seconds:,.1f} s" if self.seconds >= _SECONDS else ""
        if self.folds:
            count = sum(fold.count for fold in self.folds)
            right = sum(fold.accuracy * fold.count for fold in self.folds) / count
            folds = counted(len(self.folds), "fold")
            yield f"Cross-validated{took}: {100 * right:.1f} % of {counted(count, 'photo')} right, {folds}"
        match self.last:
            case FilesFound(files, classes):
                yield f"Found {counted(files, 'file')} in {counted(classes, 'class')}{took}"
            case BackboneReady(name) if took:
                yield f"Prepared backbone {described(name)}{took}"
            case PhotosRead(photos, classes, computed):
                cached = f" · {photos - computed:,} from the cache" if computed < photos else ""
                yield f"Read {counted(photos, 'photo')} in {counted(classes, 'class')}{took}{cached}"
            case HeadFitted(accuracy, count):
                tested = f": {100 * accuracy:.1f} % of {counted(count, 'validation photo')} right" if count else ""
                yield f"Fitted{took}{tested}"
