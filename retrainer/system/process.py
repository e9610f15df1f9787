"""How native libraries behave: what they write to the terminal, and how they take memory."""

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache

# Two threads that redirect at once would leave the stream redirected.
_REDIRECTION = threading.RLock()
# From malloc.h of the GNU C library; see mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


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


@cache
def keep_freed_memory() -> None:
    """Lets the GNU C library keep what was freed for the next photo, at most 64 MiB a thread; elsewhere nothing.

    By default it gives a decoded photo's memory back to the system and takes it again for the next, which is then
    cleared page by page while all threads wait for one another: a third of the time of two threads that read photos.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 16 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 64 * 2**20)


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Matrix products by one thread: their sums are the same however many processors there are.

    Products of heads are small, too: threads gain little, and where other processes want the processors they wait for
    one another, measured up to thirty times as long as the work takes.
    """
    from threadpoolctl import ThreadpoolController

    with ThreadpoolController().limit(limits=1, user_api="blas"):
        yield
