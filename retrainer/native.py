"""What native libraries write to the terminal by themselves."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

# Two threads that redirect at once would leave the stream redirected.
_REDIRECTION = threading.RLock()


@contextlib.contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Hides what native code writes to the process's standard error; no variable silences these libraries."""
    with _REDIRECTION:
        try:
            saved = os.dup(2)
        except OSError:  # standard error is closed, and hidden enough
            yield
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)
