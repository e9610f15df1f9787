"""The child's side: sets the limits of its process and answers its parent. It runs on Linux and macOS only."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from retrainer.errors import ModelError, RetrainerError
from retrainer.system.isolation.frames import Arrays, Frame, error_header, frame_bytes, read_frame
from retrainer.system.trust import TRUST_HINT
from retrainer.text import reason_of

_PARENT_CHECK_SECONDS = 1.0


class Channel:
    """Frames from and to the parent."""

    def __init__(self) -> None:
        # Lines that libraries print must not come between frames.
        self._out = os.dup(1)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)

    def receive(self) -> Frame:
        """Returns the next frame; raises EOFError if the parent sends no more."""
        return read_frame(_read)

    def send(self, header: dict[str, Any], arrays: Arrays = ()) -> None:
        """Sends a frame."""
        for piece in frame_bytes(header, arrays):
            view = memoryview(piece)
            while view:
                view = view[os.write(self._out, view) :]

    def answer(self, work: Callable[[], tuple[dict[str, Any], Arrays]], subject: str) -> bool:
        """Sends the frame that `work` returns, or the error that it raises; returns whether it was a frame.

        Args:
            work: Returns a header and arrays.
            subject: The file's name for messages.
        """
        try:
            header, arrays = work()
        except RetrainerError as error:
            self.send(error_header(error))
        except MemoryError:
            self.send(error_header(ModelError(f"'{subject}' takes more memory than it may.", TRUST_HINT)))
        except Exception as error:  # damaged bytes make libraries raise anything
            problem = f"'{subject}' cannot be used: {reason_of(error)}."
            self.send(error_header(ModelError(problem, "Copy it again.")))
        else:
            self.send(header, arrays)
            return True
        return False


def _read(count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        piece = os.read(0, min(count - len(content), 2**20))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)


def main(module: str, parent: str, memory: str) -> NoReturn:
    """Runs a module's `serve(channel)` until the parent has no more questions.

    Args:
        module: Its full name.
        parent: The parent's process id.
        memory: Bytes of address space that this process may take.
    """
    # The terminal sends Ctrl-C to both processes; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(int(memory))
    _end_when_closed(2)
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        import_module(module).serve(Channel())
    # Threads of TensorFlow may wait for ever.
    os._exit(0)


def limit_memory(memory: int) -> None:
    """Limits the address space of this process to `memory` bytes and switches core dumps off."""
    if sys.platform == "win32":
        return
    import resource

    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (allowed, allowed))
        except (ValueError, OSError):  # macOS limits no address space
            continue


def limit_seconds(seconds: float) -> None:
    """Limits the processor time of this process from now on, since a parent that was killed cannot end it.

    Args:
        seconds: Multiplied by the number of processors.
    """
    if sys.platform == "win32":
        return
    import resource

    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used + seconds * len(os.sched_getaffinity(0)) + 1) if hasattr(os, "sched_getaffinity") else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _end_when_closed(descriptor: int) -> None:
    """Has the system end this process when the reader of a pipe is gone, and discards what is written there.

    Native code can keep Python's threads from running, `_end_with` among them. It cannot block SIGIO, which ends a
    process by default on Linux.
    """
    if sys.platform == "win32":
        return
    import fcntl

    watched = os.dup(descriptor)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    with suppress(OSError, AttributeError):  # a system that sends no signals about pipes
        fcntl.fcntl(watched, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(watched, fcntl.F_SETFL, fcntl.fcntl(watched, fcntl.F_GETFL) | os.O_ASYNC)


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)
