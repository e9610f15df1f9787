"""A bar on stderr that counts answers, and the lines above it."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from retrainer.system.terminal import can_redraw, fitted, is_terminal, say

if TYPE_CHECKING:
    from retrainer.observers.progress import Progress

Answer = TypeVar("Answer")

_SECONDS_BETWEEN = 0.1


class Bar:
    """A bar that is shown only in a terminal, and only if the answers do not go to a terminal, too."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def say(self, line: str) -> None:
        """Prints a line to stderr, above the bar if there is one."""
        if self._progress:
            self._progress.say(fitted(line, err=True))
        else:
            say(fitted(line, err=True), err=True)

    def counted(self, answers: Iterable[Answer], total: int | None, output: str) -> Iterable[Answer]:
        """Returns the answers; shows how many were taken.

        Args:
            answers: The answers, taken one by one.
            total: How many there are; None if only the end tells.
            output: The file that they are written to; empty for stdout.
        """
        if can_redraw(err=True) and (output or not is_terminal()):
            return self._shown(answers, total or 0)
        return answers

    def _shown(self, answers: Iterable[Answer], total: int) -> Iterator[Answer]:
        from retrainer.observers.progress import Progress  # a command without a bar does without it

        due = 0.0
        try:
            with Progress() as self._progress:
                for done, answer in enumerate(answers, start=1):
                    if (now := time.monotonic()) >= due:
                        due = now + _SECONDS_BETWEEN
                        self._progress.show("Labelling", done, total)
                    yield answer
        finally:
            self._progress = None
