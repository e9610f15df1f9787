"""Shows on stderr how far long work is."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from retrainer.options.terminal import AUTO, NONE, PLAIN
from retrainer.system.terminal import can_redraw, columns, say
from retrainer.text import printable

# A line is due after this share of the work, but not so soon after the last one; and at the latest after `_LONGEST`.
_SHARE, _SOONEST, _LONGEST = 0.1, 5.0, 30.0
# A line with fewer columns has no room for the speed and the time that is left.
_WIDE = 60


class Progress:
    """Shows how far work is: a bar in a terminal, otherwise a line now and then. Close it, or use it in a `with`.

    The bar belongs to stderr. If results go to a terminal meanwhile, do without a bar: the two would mix.

    Args:
        style: A value of `--progress`.
        clock: Gives the seconds since some time.
    """

    def __init__(self, style: str = AUTO, clock: Callable[[], float] = time.monotonic) -> None:
        self._style = style
        self._clock = clock
        self._bar: Any = None
        self._lines: Lines | None = None
        self._what = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show(self, what: str, done: int, total: int, *, in_bytes: bool = False) -> None:
        """Shows that `done` of `total` items are done; a total of 0 is not known.

        Args:
            what: The work, such as `Reading photos`. Other words begin other work.
            done: How many items are done.
            total: How many there are.
            in_bytes: Whether the items are bytes.
        """
        if self._style == NONE:
            return
        if what != self._what:
            self.close()
            self._what = what
        if self._style == PLAIN or not can_redraw(err=True):
            if self._lines is None:
                self._lines = Lines(what, in_bytes, self._clock(), done)
            self._lines.show(done, total, self._clock())
        else:
            self._draw(what, done, total, in_bytes)
        if done == total > 0:
            self.close()

    def say(self, text: str, colour: str = "") -> None:
        """Prints lines to stderr, above the bar if there is one."""
        if self._bar:
            from rich.text import Text

            self._bar.console.print(Text(printable(text), colour), soft_wrap=True)
        else:
            say(text, err=True, colour=colour)

    def close(self) -> None:
        """Ends the work; a bar is taken away."""
        if self._bar:
            self._bar.stop()
        self._bar = self._lines = None
        self._what = ""

    def _draw(self, what: str, done: int, total: int, in_bytes: bool) -> None:
        if self._bar is None:
            self._bar = _bar(what, in_bytes)
            self._bar.start()
            self._bar.add_task("", total=total or None, rate="")
        task = self._bar.tasks[0]
        self._bar.update(task.id, completed=done, rate=f"{task.speed:,.0f}/s" if task.speed else "")


class Lines:
    """How far work is, in lines. `show` prints one when it is due."""

    def __init__(self, what: str, in_bytes: bool, now: float, done: int) -> None:
        self._what, self._in_bytes = what, in_bytes
        self._began, self._first = now, done
        self._printed, self._shown = now, done

    def show(self, done: int, total: int, now: float) -> None:
        """Prints a line if it is due."""
        since = now - self._printed
        much = total > 0 and done - self._shown >= _SHARE * total and since >= _SOONEST
        if done != total and (much or since >= _LONGEST):
            self._printed, self._shown = now, done
            say(self.line(done, total, now), err=True)

    def line(self, done: int, total: int, now: float) -> str:
        """How much is done, and how much time is left if that can be told."""
        many = f"{done / 1e6:,.1f}" if self._in_bytes else f"{done:,}"
        unit = " MB" if self._in_bytes else ""
        if not total:
            return f"{self._what}: {many}{unit}"
        all_of_them = f"{total / 1e6:,.1f}" if self._in_bytes else f"{total:,}"
        line = f"{self._what}: {many} of {all_of_them}{unit} ({100 * done / total:.0f} %)"
        if done == self._first:
            return line
        left = (now - self._began) * (total - done) / (done - self._first)
        return f"{line}, about {_in_words(left)} left"


def _in_words(seconds: float) -> str:
    """A time without more digits than an estimate has."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"


def _bar(what: str, in_bytes: bool) -> Any:
    """A bar as wide as the terminal."""
    from rich import progress
    from rich.console import Console

    shown: list[progress.ProgressColumn] = [progress.TextColumn(what), progress.BarColumn(bar_width=None)]
    if in_bytes:
        shown.append(progress.DownloadColumn())
    else:
        shown.append(progress.MofNCompleteColumn())
    if columns(err=True) >= _WIDE:
        shown.append(progress.TransferSpeedColumn() if in_bytes else progress.TextColumn("{task.fields[rate]}"))
        shown.append(progress.TimeRemainingColumn())
    # What goes to stdout is the result, and stays out of rich's hands.
    return progress.Progress(*shown, console=Console(stderr=True), expand=True, transient=True, redirect_stdout=False)
