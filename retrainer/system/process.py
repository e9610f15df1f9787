"""Everything that retrainer changes in the process that it runs in.

A command owns its process. `own_process` changes it for good, before the command runs:

    warnings               ignored, since libraries warn about details that mean nothing to a user
    garbage collection     seldom, and never at the end
    sys.stdout, sys.stderr escape characters that they cannot encode; sys.stderr writes to a descriptor of its own
    os.environ             TF_CPP_MIN_LOG_LEVEL, and what keeps memory small under a limit: see `_VARIABLES_OF_LIMIT`
    malloc                 keeps freed memory, from the first `keep_freed_memory` on
    pyarrow                does without pandas, from the first `keep_pandas_out` on
    descriptor 2           leads nowhere within `native_stderr_hidden`

From Python the process is the caller's. There the last three do nothing, and only this is changed, for some time:

    BLAS                   runs one thread within `one_blas_thread`
    NumPy                  ignores underflow in `retrain` and `compare`, even if the caller had it raised
    os.environ             KERAS_BACKEND is tensorflow within `keras_on_tensorflow`, while TensorFlow is imported
    Pillow                 admits more pixels within `system.pillow.pillow_limit_raised`, while it decodes a large photo

Others change the process, too: `cli.signals` handles the signals of a command, converters of networks hide the warnings
of Python and absl while they run TensorFlow, and threadpoolctl sets KMP_DUPLICATE_LIB_OK when it is imported.
"""

import contextlib
import gc
import io
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from retrainer.system.portable import address_space_limit

Undo = Callable[[], None]

_OBJECTS_BEFORE_COLLECTION = 100_000
# Arrow's own allocators reserve 1 GiB at once; BLAS reserves some address space for each thread.
_VARIABLES_OF_LIMIT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
# From malloc.h of the GNU C library; see mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


class _Owner:
    """Whether a command owns this process."""

    command = False


def own_process() -> None:
    """Changes this process for a command; called once, by the command line."""
    _Owner.command = True
    warnings.filterwarnings("ignore")
    _mend_streams()
    # Imports make many objects that stay: searching them for garbage again and again takes a part of a start.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    reserve_less_under_limit()


def reserve_less_under_limit() -> None:
    """Has libraries that are not imported yet reserve less address space if `ulimit -v` limits it."""
    if address_space_limit() is not None:
        for name, value in _VARIABLES_OF_LIMIT.items():
            os.environ.setdefault(name, value)


def leave_garbage() -> None:
    """Keeps Python from searching for garbage when the process ends."""
    gc.freeze()


def discard_stdout() -> None:
    """Discards what is still buffered for standard output, if its reader has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mend_streams() -> None:
    """Opens a closed stream on the null device, and has streams escape characters that they cannot encode."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(OSError, ValueError, AttributeError):  # somebody replaced the stream
        if sys.stderr.fileno() == 2:
            # Messages of ours are seen while descriptor 2 leads nowhere.
            own = os.dup(2)
            sys.stderr = open(own, "w", 1, sys.stderr.encoding, sys.stderr.errors)  # noqa: SIM115


class _Shared:
    """A change of the process that several threads may need at once: the first makes it, the last undoes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._undo: Undo = _nothing

    @contextlib.contextmanager
    def made(self, change: Callable[[], Undo]) -> Iterator[None]:
        """Makes the change for some time.

        Args:
            change: Makes it, and returns a function that undoes it, which any thread may call.
        """
        with self._lock:
            if not self._users:
                self._undo = change()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._undo()


def _nothing() -> None:
    """Undoes nothing."""


_STDERR, _BLAS = _Shared(), _Shared()


@contextlib.contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Hides the lines that native code writes to standard error in a command; no variable silences these libraries."""
    with _STDERR.made(_hidden_stderr if _Owner.command else lambda: _nothing):
        yield


def _hidden_stderr() -> Undo:
    try:
        saved = os.dup(2)
    except OSError:  # it is closed
        return _nothing
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)

    def undo() -> None:
        os.dup2(saved, 2)
        os.close(saved)

    return undo


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Has one thread multiply matrices, so that sums are the same however many processors there are.

    Heads are small, so that more threads gain little. If other processes use the processors, the threads wait for
    one another, as measured up to thirty times as long as the work takes.
    """
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas")
    # OpenMP has a limit for each thread that calls it, and the other libraries one for all.
    with libraries.select(threading_layer="openmp").limit(limits=1), _BLAS.made(lambda: _limited_blas(libraries)):
        yield


def _limited_blas(libraries: Any) -> Undo:
    shared = [library for library in libraries.lib_controllers if getattr(library, "threading_layer", "") != "openmp"]
    before = [library.num_threads for library in shared]
    for library in shared:
        _set_threads(library, 1)

    def undo() -> None:
        for library, threads in zip(shared, before, strict=True):
            _set_threads(library, threads)

    return undo


def _set_threads(library: Any, threads: int) -> None:
    # From 3.8 on threadpoolctl remembers which thread set the limit of OpenBLAS, and ignores all others.
    forget = getattr(library, "clear_controlling_thread", lambda **_: None)
    forget(force=True)
    library.set_num_threads(threads)
    forget(force=True)


@contextlib.contextmanager
def keras_on_tensorflow() -> Iterator[None]:
    """Sets the variable that Keras reads when it is imported, which TensorFlow and tensorflow_hub do."""
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        yield
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before


def keep_pandas_out() -> None:
    """Has a command's pyarrow do without pandas, which it would import for its first array.

    That import takes a fifth of a warm run, and no table here becomes a frame.
    """
    if _Owner.command and "pandas" not in sys.modules:
        _keep_pandas_out()


class _WithoutPandas:
    """Finds modules as if pandas was not installed, while it is the first in `sys.meta_path`."""

    @staticmethod
    def find_spec(name: str, _path: Any = None, _target: Any = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


@cache
def _keep_pandas_out() -> None:
    import pyarrow

    sys.meta_path.insert(0, _WithoutPandas)
    try:
        pyarrow.array([0])  # it looks for pandas once
    finally:
        sys.meta_path.remove(_WithoutPandas)


def keep_freed_memory() -> None:
    """Has a command's GNU C library keep freed memory for the next photo, at most 64 MiB a thread.

    By default it returns the memory of a decoded photo to the system and takes it again for the next, which is then
    cleared page by page while all threads wait for one another: a third of the time of two threads that read photos.
    """
    if _Owner.command:
        _keep_freed_memory()


@cache
def _keep_freed_memory() -> None:
    if sys.platform == "win32":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 16 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 64 * 2**20)
