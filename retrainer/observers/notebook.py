"""Progress in the output of a notebook's cell, and the observer that Python's users ask for."""

import atexit
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from retrainer.observers.console import Console
from retrainer.observers.progress import Lines, Progress
from retrainer.options.terminal import PLAIN
from retrainer.pages.markup import Markup, element
from retrainer.pages.notebook import NO_FORMULAS
from retrainer.text import printable

_SECONDS_BETWEEN = 0.1
_LINES_KEPT = 100


class NotebookProgress(Progress):
    """Shows lines, and a bar below them, in the output of the cell that runs.

    It needs no widgets: the output is HTML that is replaced, and a saved notebook keeps the last one.

    Args:
        clock: Gives the seconds since some time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(PLAIN, clock)
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._now = ""
        self._share: float | None = None
        self._work: Lines | None = None
        self._due = 0.0
        self._output: Any = None

    def show(self, what: str, done: int, total: int, *, in_bytes: bool = False) -> None:
        """Shows that `done` of `total` items are done; a total of 0 is not known."""
        now = self._clock()
        if what != self._what or self._work is None:
            self._what, self._work, self._due = what, Lines(what, in_bytes, now, done), now
        if done == total > 0:
            self.close()
        elif now >= self._due:
            self._due = now + _SECONDS_BETWEEN
            self._now, self._share = self._work.line(done, total, now), done / total if total else None
            self._draw_all()

    def say(self, text: str, colour: str = "") -> None:  # noqa: ARG002
        """Shows lines above the bar."""
        self._said.extend(printable(text).split("\n"))
        self._draw_all()

    def close(self) -> None:
        """Takes the bar away."""
        self._what, self._work = "", None
        if self._now:
            self._now, self._share = "", None
            self._draw_all()

    def _draw_all(self) -> None:
        from IPython.display import display

        lines = [*self._said, *([self._now] if self._now else [])]
        content = {"text/html": self._html(), "text/plain": "\n".join(lines)}
        if self._output is None:
            self._output = display(content, raw=True, display_id=True)
        else:
            self._output.update(content, raw=True)

    def _html(self) -> Markup:
        lines = [element("div", line) for line in self._said]
        if self._now:
            # Without a value the bar says that something goes on.
            share = {} if self._share is None else {"value": f"{self._share:.3f}"}
            lines.append(element("div", element("progress", max="1", aria_label="Progress", **share), f" {self._now}"))
        return element("div", *lines, class_=NO_FORMULAS)


def progress_bar() -> Console:
    """Returns an observer that shows how far a run is: `retrain("photos", on_progress=progress_bar())`.

    In a notebook a bar and a line for each stage appear below the cell; elsewhere they go to stderr. In a `with` the
    bar is taken away as soon as a run fails, otherwise at the end of the cell or of the program.
    """
    console = Console()
    shell = _notebook()
    if shell is None:
        # A bar hides the cursor; an error must not leave it hidden.
        atexit.register(console.finish)
        return console
    console.progress = NotebookProgress()

    def finish(result: Any) -> None:
        console.finish(failed=not result.success)
        shell.events.unregister("post_run_cell", finish)

    shell.events.register("post_run_cell", finish)
    return console


def _notebook() -> Any:
    """The shell of the notebook that runs this; None if none does."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return shell if hasattr(shell, "kernel") else None
