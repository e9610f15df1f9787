"""Events: what happens during a run, as values. The library reports them; observers print or store them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from retrainer.arrays import Floats
from retrainer.text import shown


@dataclass(frozen=True, eq=False)
class Event:
    """The root of all events."""


@dataclass(frozen=True)
class StageBegan(Event):
    """A stage of the run begins, such as `bottlenecks`."""

    stage: str


@dataclass(frozen=True)
class StageEnded(Event):
    """A stage was left after `seconds` in all; it may be entered again."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class FolderScanned(Event):
    """A folder was listed, and `photos` files were found in it."""

    folder: str
    photos: int


@dataclass(frozen=True)
class FilesFound(Event):
    """All files that may be photos were found; `classes` is the number of their classes."""

    files: int
    classes: int


@dataclass(frozen=True)
class Warned(Event):
    """The user should know something, and the run goes on.

    Attributes:
        message: What is wrong.
        many: One line for several warnings of this kind, with `{count}` and `{names}`; empty if there is none.
        name: The subject of this one, for that line.
        count: How many warnings this one stands for.
        is_finding: Whether `clean` lists it as a finding.
    """

    message: str
    many: str = ""
    name: str = ""
    count: int = 1
    is_finding: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True)
class Noted(Event):
    """The run found out something that the user should know."""

    message: str


@dataclass(frozen=True)
class Began(Noted):
    """Something begins that takes a while."""


@dataclass(frozen=True)
class Detailed(Noted):
    """The run found out something that few users want to know."""


@dataclass(frozen=True)
class BackboneReady(Event):
    """The backbone of this name can be run."""

    name: str


@dataclass(frozen=True)
class DownloadAdvanced(Event):
    """`received` of `expected` bytes have arrived; `expected` is 0 if the server does not state it."""

    source: str
    received: int
    expected: int


@dataclass(frozen=True)
class Missed(Event):
    """The root of events about what a run goes on without; `--strict` ends the run instead."""

    verb: ClassVar[str] = "Skipped"

    @property
    def problem(self) -> str:
        """The missing thing and the reason, for a message."""
        raise NotImplementedError


@dataclass(frozen=True)
class _PathMissed(Missed):
    """A file or a folder is missing from the run for a reason."""

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
    """A folder cannot be listed, or only in part; the run goes on without the photos that it did not see."""

    verb: ClassVar[str] = "Missed photos of"


@dataclass(frozen=True)
class FilesLeftOut(Missed):
    """Files or folders that could hold photos are not read, because they lie where photos do not belong.

    `files` says in words how many there are and names some; `count` is their number, and `paths` are all of them.
    """

    verb: ClassVar[str] = "Left out"

    files: str
    count: int
    reason: str
    paths: tuple[str, ...] = field(compare=False)

    @property
    def problem(self) -> str:
        """The files and the reason."""
        return f"{self.files}: {self.reason}"


@dataclass(frozen=True)
class ExtractionAdvanced(Event):
    """`done` of the `total` photos that were not cached have been read."""

    done: int
    total: int


@dataclass(frozen=True)
class PhotosRead(Event):
    """The features of all photos are there; `computed` of them were not cached."""

    photos: int
    classes: int
    computed: int


@dataclass(frozen=True)
class FoldTested(Event):
    """The head of a fold, one of `folds` from 1, was tested on `count` photos; `accuracy` is 0 to 1."""

    number: int
    folds: int
    accuracy: float
    count: int


@dataclass(frozen=True)
class CurveAdvanced(Event):
    """`done` of the `total` measurements of a learning curve are done."""

    done: int
    total: int


@dataclass(frozen=True)
class HeadFitted(Event):
    """The head that ships is fitted; `accuracy`, 0 to 1, is that on `count` validation photos that it did not learn."""

    accuracy: float
    count: int


@dataclass(frozen=True)
class StepEvaluated(Event):
    """Training was measured after a step.

    Accuracies are 0 to 1, cross entropies are in nats; those of validation are NaN if no photo validates.
    """

    step: int
    train_accuracy: float
    cross_entropy: float
    validation_accuracy: float
    validation_cross_entropy: float
    validation_count: int


@dataclass(frozen=True)
class IterationEvaluated(StepEvaluated):
    """Training was measured after an iteration of L-BFGS; figures of different penalties are no curve together."""


@dataclass(frozen=True)
class PenaltyEvaluated(Event):
    """The head of a penalty was measured; `chosen` says whether the model takes this penalty.

    Accuracies are 0 to 1, cross entropies are in nats and before calibration; those of validation are NaN if no photo
    validates. If few photos validate, the figures are those of heads that each left out a fold of the photos.
    """

    penalty: float
    train_accuracy: float
    cross_entropy: float
    validation_accuracy: float
    validation_cross_entropy: float
    chosen: bool


@dataclass(frozen=True, eq=False)
class HeadMeasured(Event):
    """The head after a step: weights float32 `(D, C)` and biases `(C,)`.

    `penalty` is the one that it was fitted with; None if the solver tries only one.
    """

    step: int
    weights: Floats
    biases: Floats
    penalty: float | None = None


@dataclass(frozen=True)
class TestEvaluated(Event):
    """The head was measured on `count` test photos; `accuracy` is 0 to 1."""

    __test__ = False

    accuracy: float
    count: int


@dataclass(frozen=True)
class ConfusionMeasured(Event):
    """How many test photos of each class are predicted as each class: own class, then predicted class."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Calibrated(Event):
    """The head's logits were divided by a temperature, and `count` test photos were measured before and after.

    Log losses are in nats, expected calibration errors 0 to 1; `floor` is the error that a perfectly calibrated model
    shows by chance.
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
class ModelWritten(Event):
    """The model was written; `files` maps each format, such as `pb`, to its path."""

    files: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class PhotoMisclassified(Event):
    """The highest score (0 to 1) of a test photo is that of another class than its own, which is `label`."""

    path: str
    predicted: str
    label: str = ""
    score: float = 0.0


@dataclass(frozen=True)
class CopiesFound(Event):
    """`photos` photos are copies of others; the CSV file `table` lists them."""

    photos: int
    table: str


@dataclass(frozen=True)
class Cleaned(Noted):
    """Decisions about photos were honoured.

    Attributes:
        clean_list: The path of the list.
        set_aside, relabelled: How many photos were set aside, and how many got another class.
    """

    clean_list: str
    set_aside: int
    relabelled: int


@dataclass(frozen=True)
class Changed(Noted):
    """What has changed since the last model; numbers are estimates if that model remembers a sample of its photos.

    Attributes:
        is_estimate: Whether they are.
        new, gone: How many photos are new, and how many are gone; None if the model does not tell.
        added, removed: The classes that are new, and those that are gone.
        tested, moved: How many photos that tested the last model are here, and how many of them do not test now.
        set_aside: How many photos of the last model a list of decisions set aside now; they do not count as gone.
        returned: How many photos are here that were set aside for the last model; they do not count as new.
    """

    is_estimate: bool
    new: int | None
    gone: int | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    tested: int
    moved: int
    set_aside: int = 0
    returned: int = 0


@dataclass(frozen=True)
class Figures:
    """Figures of `count` photos whose classes are known.

    Accuracies are 0 to 1: that of all photos with its 95 % confidence interval, and the mean of those of the classes.
    The log loss is in nats.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    mean_of_classes: float
    log_loss: float


@dataclass(frozen=True)
class RunFinished(Event):
    """A run has written its model.

    `test` holds the figures of the test photos, and `folds` those of a cross-validation with `fold_count` folds; either
    may be None. The SHA-256 `split` and `fold_split` say which photo is in which part and fold; `fold_split` is empty
    without folds.
    """

    image_dir: str
    photos: int
    classes: int
    backbone: str
    solver: str
    test: Figures | None
    folds: Figures | None
    fold_count: int
    split: str
    fold_split: str
    model_id: str
    seconds: float


Observer = Callable[[Event], None]
"""Whatever is called with every event, in the thread that reports it."""


def in_turn(*observers: Observer) -> Observer:
    """An observer that calls others, one after the other."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe


def silent(event: Event) -> None:
    """An observer that ignores everything."""
