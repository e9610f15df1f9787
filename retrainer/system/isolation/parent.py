"""The parent's side: starts an isolated process, sends it questions and ends it."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from typing import Any

from retrainer.errors import ModelError
from retrainer.system.isolation.frames import Arrays, Frame, error_from, frame_bytes, read_frame
from retrainer.system.trust import TRUST_HINT
from retrainer.text import shown

# Address space of the child in bytes; TensorFlow takes 2 to 3 GiB of it before it runs anything.
MEMORY = 8 * 2**30
_PIECE = 2**20
# Isolated mode ignores the variables of the interpreter; the child finds modules where its parent does.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from retrainer.system.isolation.child import main; main(*sys.argv[2:])"
)


class IsolatedProcess:
    """A child process that runs `serve(channel)` of a module, within limits of time and memory.

    The child ends with this object, and with the parent process however that ends. Windows has no such limits, so
    that no child is started there.

    Args:
        module: Its full name.
        subject: The file's name for messages.

    Raises:
        ModelError: this is Windows.
    """

    def __init__(self, module: str, subject: str) -> None:
        self._subject = subject
        _require_limits(subject)
        # Libraries leave files there, and the child is killed before they remove them.
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
        if sys.platform != "win32":
            os.set_blocking(self._into, False)

    def ask(self, header: dict[str, Any], arrays: Arrays = (), *, seconds: float) -> Frame:
        """Sends a frame and returns the answer.

        Raises:
            ModelError: the child crashed, answered nonsense or took longer than `seconds`, and was ended.
            RetrainerError: the answer is an error.
        """
        deadline = time.monotonic() + seconds
        self._require_running()
        try:
            for piece in frame_bytes(header, arrays):
                self._write(piece, deadline)
            return self.answer(seconds=deadline - time.monotonic())
        except (BrokenPipeError, TimeoutError) as error:
            raise self._failure(error, seconds) from error
        except BaseException:
            # An answer that nobody reads would be taken for the answer to the next question.
            self.close()
            raise

    def answer(self, *, seconds: float) -> Frame:
        """Returns the next frame; raises the errors of `ask`."""
        deadline = time.monotonic() + seconds
        self._require_running()
        try:
            header, arrays = read_frame(lambda count: self._read(count, deadline))
        except (EOFError, TimeoutError) as error:
            raise self._failure(error, seconds) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.close()
            raise ModelError(
                f"'{shown(self._subject)}': the process that runs it answered nonsense, and was ended."
            ) from error
        if "error" in header:
            raise error_from(header["error"])
        return header, arrays

    def close(self) -> None:
        """Ends the child."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        self._temporary.cleanup()

    def _require_running(self) -> None:
        """Raises ModelError if the child was ended: its pipes' numbers may belong to other files by then."""
        if self._process.returncode is not None:
            raise ModelError(f"'{shown(self._subject)}': the process that ran it was ended.", "Open it again.")

    def __del__(self) -> None:
        if hasattr(self, "_process") and self._process.returncode is None:
            self.close()

    def _write(self, content: bytes, deadline: float) -> None:
        view = memoryview(content)
        while view:
            _wait(self._into, selectors.EVENT_WRITE, deadline)
            view = view[os.write(self._into, view[:_PIECE]) :]

    def _read(self, count: int, deadline: float) -> bytes:
        content = bytearray()
        while len(content) < count:
            _wait(self._out, selectors.EVENT_READ, deadline)
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
        return ModelError(f"'{shown(self._subject)}' {happened}.", TRUST_HINT)


def _require_limits(subject: str) -> None:
    """Raises ModelError on Windows, where a process cannot be limited like this."""
    if sys.platform == "win32":
        raise ModelError(
            f"'{shown(subject)}' would run in a process with limits of time and memory, which Windows does not have.",
            TRUST_HINT,
        )


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Waits until a pipe can be read or written; raises TimeoutError at the deadline."""
    remaining = deadline - time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if remaining <= 0 or not selector.select(remaining):
            raise TimeoutError
