"""Runs a server until Ctrl-C or SIGTERM, which is how it is meant to end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retrainer.serving.loopback import LoopbackServer

# On Windows a wait without an end hears no Ctrl-C.
_WAIT_SECONDS, _POLL_SECONDS = 0.5, 0.1


def until_stopped(server: LoopbackServer, on_ready: Callable[[], None]) -> None:
    """Serves until a signal comes; the server is closed when it returns.

    Args:
        server: Is bound to its port already.
        on_ready: Called when it serves.
    """
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    try:
        with _signals() as stopped:
            thread.start()
            on_ready()
            while not stopped.wait(_WAIT_SECONDS):
                pass
    finally:
        if thread.is_alive():
            server.shutdown()
        server.server_close()


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that is set by a signal; a signal that the parent process ignores stays ignored."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
