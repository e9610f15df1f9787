"""Reports a run: passes its events on, keeps what a result tells of them, and times the run's stages."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple

from retrainer.errors import DatasetError, OptionError
from retrainer.events import (
    Changed,
    Cleaned,
    CopiesFound,
    Event,
    FilesLeftOut,
    FolderSkipped,
    Missed,
    Observer,
    PhotoSkipped,
    StageBegan,
    StageEnded,
    Warned,
    silent,
)
from retrainer.gathering import Gathered
from retrainer.text import brief

WARNING, SKIPPED, MISSED, LEFT_OUT = "warning", "skipped", "missed", "left out"


class Problem(NamedTuple):
    """A warning, or a file or folder that a run went on without, and why; the path of a warning is empty."""

    kind: str
    path: str
    problem: str


def problems_of(event: Event) -> Iterator[Problem]:
    """The problems that an event reports; a file that is left out is one."""
    match event:
        case PhotoSkipped(path, reason):
            yield Problem(SKIPPED, path, reason)
        case FolderSkipped(path, reason):
            yield Problem(MISSED, path, reason)
        case FilesLeftOut():
            for path in event.paths:
                yield Problem(LEFT_OUT, path, event.reason)
        case Warned(message):
            yield Problem(WARNING, "", message)


class Reporter:
    """An observer that passes events on to another, and keeps what a result tells of them.

    Whatever the other one raises ends the run: it leaves a `with` block unchanged, even if something on the way took it
    for an error of its own.

    Attributes:
        skipped: How many files are no readable photos.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many files and folders lie in no class folder or are hidden.
        problems: All warnings, and all files and folders that the run went on without.
        copies: How many photos are copies; None if there are none.
        changed: What has changed since the last model; None if nothing has, or if it is not known.
        cleaned: How many photos were set aside and relabelled by decisions; None if there are no decisions.

    Args:
        on_progress: Called with each event, in the thread that reports it.
        strict: Whether the first file or folder that the run would go on without ends it.
        once: Whether a warning or a missed file that was reported before is not passed on again.

    Raises:
        OptionError: `on_progress` cannot be called.
        DatasetError: by a call, if `strict` and something is missed.
    """

    def __init__(self, on_progress: Observer | None = None, *, strict: bool = False, once: bool = False) -> None:
        self.skipped = self.unlisted = self.left_out = 0
        self.problems: list[Problem] = []
        self._warned = Gathered()
        self.copies: CopiesFound | None = None
        self.changed: Changed | None = None
        self.cleaned: Cleaned | None = None
        if on_progress is not None and not callable(on_progress):
            raise OptionError(f"on_progress: expected a function that takes an event, received {brief(on_progress)}.")
        self._on_progress = on_progress or silent
        self._strict = strict
        self._once = once
        self._reported: set[Event] = set()
        self._raised: BaseException | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for the warnings of each kind."""
        return tuple(self._warned)

    def __call__(self, event: Event) -> None:
        """Reports an event."""
        if self._once and isinstance(event, Missed | Warned):
            if event in self._reported:
                return
            self._reported.add(event)
        self.problems += problems_of(event)
        if isinstance(event, Warned):
            self._warned.add(event)
        match event:
            case PhotoSkipped():
                self.skipped += 1
            case FolderSkipped():
                self.unlisted += 1
            case FilesLeftOut():
                self.left_out += event.count
            case CopiesFound():
                self.copies = event
            case Changed():
                self.changed = event
            case Cleaned():
                self.cleaned = event
        if isinstance(event, Missed) and self._strict:
            fix = "Mend, move or remove what is named, or leave out --strict."
            path = next((one.path for one in problems_of(event)), None)
            raise DatasetError(f"--strict: {event.problem}.", fix, path=path)
        self._pass_on(event)

    def raise_again(self) -> None:
        """Raises what the other observer raised, if it did and somebody went on all the same."""
        if self._raised is not None:
            raise self._raised

    def _pass_on(self, event: Event) -> None:
        self.raise_again()
        try:
            self._on_progress(event)
        except BaseException as error:
            self._raised = error
            raise

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not self._raised:
            self.raise_again()


class Stopwatch:
    """Times the stages of a run.

    Attributes:
        seconds: Stage -> how long it took, in the order in which the stages began.

    Args:
        report: Called when a stage begins and ends.
    """

    def __init__(self, report: Observer) -> None:
        self.seconds: dict[str, float] = {}
        self._report = report

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage; a stage that is entered again takes longer."""
        if name not in self.seconds:
            self._report(StageBegan(name))
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        self._report(StageEnded(name, self.seconds[name]))
