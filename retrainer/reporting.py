"""Reports a run: passes its events to observers, counts what is missing, and times its stages."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from retrainer.errors import DatasetError
from retrainer.events import (
    Event,
    FilesLeftOut,
    FolderSkipped,
    Missed,
    Observer,
    PhotoSkipped,
    StageBegan,
    StageEnded,
    Warned,
)


class Reporter:
    """An observer that passes events on to others and counts what a run goes on without.

    Attributes:
        skipped: How many files are no readable photos.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many files and folders lie in no class folder or are hidden.

    Args:
        observers: Called with each event, one after the other, in the thread that reports it.
        strict: Whether the first file or folder that the run would go on without ends it.
        once: Whether a warning or a missed file that was reported before is not passed on again.

    Raises:
        DatasetError: by a call, if `strict` and something is missed.
    """

    def __init__(self, observers: Sequence[Observer], *, strict: bool = False, once: bool = False) -> None:
        self.skipped = self.unlisted = self.left_out = 0
        self._observers = observers
        self._strict = strict
        self._once = once
        self._reported: set[Event] = set()

    def __call__(self, event: Event) -> None:
        """Reports an event."""
        if self._once and isinstance(event, Missed | Warned):
            if event in self._reported:
                return
            self._reported.add(event)
        match event:
            case PhotoSkipped():
                self.skipped += 1
            case FolderSkipped():
                self.unlisted += 1
            case FilesLeftOut():
                self.left_out += event.count
        if isinstance(event, Missed) and self._strict:
            fix = "Mend, move or remove what is named, or leave out --strict."
            raise DatasetError(f"--strict: {event.problem}.", fix)
        for observer in self._observers:
            observer(event)


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
