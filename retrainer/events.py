"""What happens during a run, as values: the library reports them, observers print or store them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from retrainer.arrays import Floats
from retrainer.system.files import shown


@dataclass(frozen=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True)
class FolderScanned(Event):
    """A class folder was listed; `photos` files were found in it."""

    folder: str
    photos: int


@dataclass(frozen=True)
class Warned(Event):
    """Something the user should know and the run can go on with."""

    message: str


@dataclass(frozen=True)
class Noted(Event):
    """Something that takes a while begins, or that was found out on the way."""

    message: str


@dataclass(frozen=True)
class DownloadAdvanced(Event):
    """`received` bytes of `expected` have come, 0 where the server does not say how many there are."""

    source: str
    received: int
    expected: int


@dataclass(frozen=True)
class Missed(Event):
    """The root of what a run goes on without; `--strict` ends it instead."""

    verb: ClassVar[str] = "Skipped"

    @property
    def problem(self) -> str:
        """What is missed and why, for a message."""
        raise NotImplementedError


@dataclass(frozen=True)
class _PathMissed(Missed):
    """A file or a folder is missed for a reason."""

    path: str
    reason: str

    @property
    def problem(self) -> str:
        """The path and the reason."""
        return f"'{shown(self.path)}': {self.reason}"


@dataclass(frozen=True)
class PhotoSkipped(_PathMissed):
    """A file is no readable picture; the run goes on without it."""


@dataclass(frozen=True)
class FolderSkipped(_PathMissed):
    """A folder cannot be listed, or only in part; the run goes on without the photos that were not seen."""

    verb: ClassVar[str] = "Missed photos of"


@dataclass(frozen=True)
class FilesLeftOut(Missed):
    """Files or folders that could hold photos are not read, since they lie where photos do not belong.

    `files` counts them and names some; they are `count`.
    """

    verb: ClassVar[str] = "Left out"

    files: str
    count: int
    reason: str

    @property
    def problem(self) -> str:
        """The files and the reason."""
        return f"{self.files}: {self.reason}"


@dataclass(frozen=True)
class ExtractionAdvanced(Event):
    """`done` of `total` photos that were not in the cache have their feature vectors now."""

    done: int
    total: int


@dataclass(frozen=True)
class StepEvaluated(Event):
    """Training was measured after a step.

    Accuracies are 0 to 1, cross entropies in nats; both are NaN for a validation without photos.
    """

    step: int
    train_accuracy: float
    cross_entropy: float
    validation_accuracy: float
    validation_cross_entropy: float
    validation_count: int


@dataclass(frozen=True)
class HeadMeasured(Event):
    """The head after a step: weights float32 `(D, C)` and biases `(C,)`; later steps change them in place."""

    step: int
    weights: Floats
    biases: Floats


@dataclass(frozen=True)
class TestEvaluated(Event):
    """The head was measured on the test part; `accuracy` is 0 to 1, NaN where `count` is 0."""

    __test__ = False

    accuracy: float
    count: int


@dataclass(frozen=True)
class Calibrated(Event):
    """The head's logits were divided by a temperature: what that did to `count` test photos.

    Log losses in nats; expected calibration errors 0 to 1, and what a perfectly calibrated model would show by chance.
    """

    temperature: float
    log_losses: tuple[float, float]
    errors: tuple[float, float]
    floor: float
    count: int


@dataclass(frozen=True)
class ModelKept(Event):
    """An intermediate model was written."""

    path: str


@dataclass(frozen=True)
class PhotoMisclassified(Event):
    """A test photo whose highest score is not its own class."""

    path: str
    predicted: str


Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """The observer that ignores everything."""
