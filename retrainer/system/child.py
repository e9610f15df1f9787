"""A process of its own for what a file of somebody else's is run by: it may crash, hang or fill its memory there.

Both sides send frames: a JSON document and arrays of numbers. Nothing that comes from the child is unpickled, and no
more of it is read than was announced and allowed, for whoever wrote the file may command the child.
"""

import json
import math
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer import errors
from retrainer.errors import ModelError, RetrainerError
from retrainer.system.files import shown
from retrainer.system.trust import TRUSTING

Arrays = Sequence[npt.NDArray[Any]]
Frame = tuple[dict[str, Any], list[npt.NDArray[Any]]]

# Address space of a child; TensorFlow takes 2 to 3 GiB of it before it runs anything.
MEMORY = 8 * 2**30
MOST_HEADER, MOST_ARRAYS, MOST_BYTES = 2**24, 16, 2**31
MOST_TEXT = 2000
_LENGTH = struct.Struct("<I")
_DTYPES = ("float32", "uint8")
_PIECE = 2**20
# The interpreter's own variables must not reach the child, and it finds modules where its parent does.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from retrainer.system.worker import main; main(*sys.argv[2:])"
)


def packed(header: dict[str, Any], arrays: Arrays = ()) -> list[bytes]:
    """A frame as bytes, in pieces."""
    described = {**header, "arrays": [[str(a.dtype), list(a.shape)] for a in arrays]}
    text = json.dumps(described).encode("ascii")
    return [_LENGTH.pack(len(text)) + text, *(np.ascontiguousarray(array).tobytes() for array in arrays)]


def read_frame(read: Callable[[int], bytes]) -> Frame:
    """A frame, by a function that reads exactly so many bytes.

    Raises:
        ValueError: it is none, or larger than allowed.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > MOST_HEADER:
        raise ValueError("a frame's header is too long")
    header = json.loads(read(length))
    described = header.pop("arrays")
    if len(described) > MOST_ARRAYS:
        raise ValueError("a frame has too many arrays")
    arrays = []
    for dtype, shape in described:
        count = math.prod(map(int, shape))
        if dtype not in _DTYPES or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError("a frame's array is of another kind")
        size = count * np.dtype(dtype).itemsize
        if size > MOST_BYTES:
            raise ValueError("a frame's array is too large")
        arrays.append(np.frombuffer(read(size), dtype).reshape(shape))
    return header, arrays


class Child:
    """A process that runs `serve(channel)` of a module, within limits of time and memory.

    It ends with this object, and with this process however that ends.

    Args:
        module: Its full name.
        source: What the user calls the file, for messages.
    """

    def __init__(self, module: str, source: str) -> None:
        self._source = source
        # What libraries leave there goes with the child, which is ended before they would remove it.
        self._temporary = tempfile.TemporaryDirectory(prefix="retrainer-", ignore_cleanup_errors=True)
        environment = {
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TMPDIR": self._temporary.name,
        }
        line = [sys.executable, "-I", "-c", _START, json.dumps(sys.path), module, str(os.getpid()), str(MEMORY)]
        self._process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # nobody reads it: the child watches when it closes
            env=environment,
            bufsize=0,
        )
        self._into, self._out = (pipe.fileno() for pipe in (self._process.stdin, self._process.stdout) if pipe)
        os.set_blocking(self._into, False)

    def ask(self, header: dict[str, Any], arrays: Arrays = (), *, seconds: float) -> Frame:
        """Sends a frame and returns the answer.

        Raises:
            ModelError: the child ended, answered nonsense or took longer than `seconds`, and was ended; or its answer
                is an error.
        """
        deadline = time.monotonic() + seconds
        self._require_running()
        try:
            for piece in packed(header, arrays):
                self._write(piece, deadline)
            return self.answer(seconds=deadline - time.monotonic())
        except (BrokenPipeError, TimeoutError) as error:
            raise self._failure(error, seconds) from error
        except BaseException:
            # An answer that nobody takes would be taken for that of the next question.
            self.close()
            raise

    def answer(self, *, seconds: float) -> Frame:
        """The next frame; raises as `ask`."""
        deadline = time.monotonic() + seconds
        self._require_running()
        try:
            header, arrays = read_frame(lambda count: self._read(count, deadline))
        except (EOFError, TimeoutError) as error:
            raise self._failure(error, seconds) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.close()
            raise ModelError(f"'{shown(self._source)}': what runs it answered nonsense, and was ended.") from error
        if "error" in header:
            raise _told(header["error"])
        return header, arrays

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        self._temporary.cleanup()

    def _require_running(self) -> None:
        """Raises ModelError once the process was ended: others may have its pipes' numbers by then."""
        if self._process.returncode is not None:
            raise ModelError(f"'{shown(self._source)}': the process that ran it was ended.", "Open it again.")

    def __del__(self) -> None:
        if hasattr(self, "_process") and self._process.returncode is None:
            self.close()

    def _write(self, content: bytes, deadline: float) -> None:
        view = memoryview(content)
        while view:
            _wait(self._into, select.POLLOUT, deadline)
            view = view[os.write(self._into, view[:_PIECE]) :]

    def _read(self, count: int, deadline: float) -> bytes:
        content = bytearray()
        while len(content) < count:
            _wait(self._out, select.POLLIN, deadline)
            piece = os.read(self._out, min(count - len(content), _PIECE))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)

    def _failure(self, error: Exception, seconds: float) -> ModelError:
        if isinstance(error, TimeoutError):
            happened = f"took more than {seconds:,.0f} s, and was stopped"
        else:
            try:
                code = self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                code = 0
            ended = f"signal {-code}" if code < 0 else f"exit code {code}"
            happened = f"crashed the process that ran it ({ended}), or took more than {MEMORY >> 30} GB of memory"
        self.close()
        return ModelError(f"'{shown(self._source)}' {happened}.", TRUSTING)


_KINDS = {
    kind.__name__: kind
    for kind in (errors.OptionError, errors.BackboneError, errors.DownloadError, errors.OutputError, ModelError)
}


def as_error(error: RetrainerError) -> dict[str, Any]:
    """The header of a frame that tells an error."""
    return {"error": [type(error).__name__, error.problem, error.fix]}


def _told(described: Any) -> RetrainerError:
    """The error that a child tells, its text fit for a terminal."""
    try:
        name, problem, fix = (str(part)[:MOST_TEXT] for part in described)
    except (ValueError, TypeError):
        name, problem, fix = "", "What runs the file failed.", ""
    kind = _KINDS.get(name, ModelError)
    return kind(shown(problem), shown(fix))


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Waits until a pipe can be used; TimeoutError once the deadline has passed."""
    poll = select.poll()
    poll.register(descriptor, event)
    remaining = deadline - time.monotonic()
    if remaining <= 0 or not poll.poll(math.ceil(remaining * 1000)):
        raise TimeoutError
