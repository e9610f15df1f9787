"""Ctrl-C and SIGTERM: the first ends the run in good order, the second at once, and neither prints a traceback.

Outside `Stoppable` nothing is half done, so that the first signal ends the process at once, too. Inside, it becomes a
KeyboardInterrupt. Libraries may swallow that or raise another error in its place, so that the signal is remembered:
see `was_stopped`. Python drops it in destructors and in callbacks of native code; there it is raised once more, except
on Windows, which has no such timer: there a second Ctrl-C ends the process.
"""

import atexit
import os
import signal
import sys

# Exit codes by which shells report that Ctrl-C or SIGTERM ended a process, and what it prints.
INTERRUPTED, TERMINATED = 130, 143
_MESSAGES = {
    INTERRUPTED: "Error: Interrupted. Run the same command again to continue.",
    TERMINATED: "Error: Terminated. Run the same command again to continue.",
}
# By then the callback that swallowed the interrupt has returned.
_AGAIN_SECONDS = 0.05
_SHOW_CURSOR = "\x1b[?25h"


class _State:
    """The exit code of the signal that came, and whether a run is under way."""

    exit_code = 0
    stoppable = False


def heed_signals() -> None:
    """Handles Ctrl-C and SIGTERM from now on; a signal that the parent process ignores stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    if sys.platform != "win32":
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
    """The exit code if a signal came, otherwise 0."""
    return _State.exit_code


def stopped_line(exit_code: int) -> str:
    """The line that a stopped command prints."""
    return _MESSAGES[exit_code]


def _stop(number: int, _: object) -> None:
    first, _State.exit_code = not _State.exit_code, _State.exit_code or 128 + number
    if first and _State.stoppable:
        raise KeyboardInterrupt
    _end_at_once()


def _end_at_once() -> None:
    stderr = _stderr()
    # A progress bar hides the cursor.
    cursor = _SHOW_CURSOR if os.isatty(stderr) else ""
    try:
        os.write(stderr, f"{cursor}{_MESSAGES[_State.exit_code]}\n".encode())
    finally:
        os._exit(_State.exit_code)


def _stderr() -> int:
    """The descriptor of standard error; that of the process may lead nowhere while native code runs."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return 2


def _stop_again(*_: object) -> None:
    if _State.stoppable:
        raise KeyboardInterrupt


def _ignore_signals() -> None:
    """Ignores signals at the end, when the interpreter removes its handlers and a signal would kill the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _unraisable(problem: "sys.UnraisableHookArgs") -> None:
    """Raises an interrupt once more that Python dropped in a destructor or in a callback of native code."""
    if not _State.exit_code:
        sys.__unraisablehook__(problem)
    elif issubclass(problem.exc_type, KeyboardInterrupt) and sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
