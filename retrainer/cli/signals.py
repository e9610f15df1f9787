"""Ctrl-C and SIGTERM: the first ends the run in good order, the second at once, and neither with a traceback.

Outside `Stoppable` nothing is half done, and the first ends the process at once, too. Inside, it becomes a
KeyboardInterrupt. Libraries may swallow that or make another error of it, so that it is remembered: `was_stopped`.
"""

import atexit
import os
import signal
import sys

# What shells report of a process that Ctrl-C or SIGTERM ended, and what it says.
INTERRUPTED, TERMINATED = 130, 143
_SAID = {
    INTERRUPTED: "Error: Interrupted. The same command goes on from where it was.",
    TERMINATED: "Error: Terminated. The same command goes on from where it was.",
}
# Until a callback has returned that swallowed an interrupt.
_AGAIN_SECONDS = 0.05
_SHOW_CURSOR = "\x1b[?25h"


class _State:
    """What has come so far, and whether a run is under way."""

    exit_code = 0
    stoppable = False


def heed_signals() -> None:
    """Handles Ctrl-C and SIGTERM from now on; what the parent told the process to ignore stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    signal.signal(signal.SIGALRM, _stop_again)
    sys.unraisablehook = _unraisable
    atexit.register(_ignore_signals)


class Stoppable:
    """Lets the first signal raise KeyboardInterrupt within; a class, since `contextlib` takes too long to import."""

    def __enter__(self) -> None:
        _State.stoppable = True

    def __exit__(self, *_: object) -> None:
        _State.stoppable = False


def was_stopped() -> int:
    """The exit code of a process that a signal is to end, 0 if none came."""
    return _State.exit_code


def stopped_line(exit_code: int) -> str:
    """What is said at such an end."""
    return _SAID[exit_code]


def _stop(number: int, _: object) -> None:
    first, _State.exit_code = not _State.exit_code, _State.exit_code or 128 + number
    if first and _State.stoppable:
        raise KeyboardInterrupt
    _end_at_once()


def _end_at_once() -> None:
    # A progress bar hides the cursor.
    cursor = _SHOW_CURSOR if os.isatty(2) else ""
    try:
        os.write(2, f"{cursor}{_SAID[_State.exit_code]}\n".encode())
    finally:
        os._exit(_State.exit_code)


def _stop_again(*_: object) -> None:
    if _State.stoppable:
        raise KeyboardInterrupt


def _ignore_signals() -> None:
    """All is done and said; the interpreter would take its handlers away and let a signal kill it meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _unraisable(problem: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in destructors and in callbacks of native code: an interrupt is raised once more."""
    if _State.exit_code:
        if issubclass(problem.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        return
    sys.__unraisablehook__(problem)
