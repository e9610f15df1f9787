"""The child's side of `child`: it sets its limits, and runs what its parent asks for."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from retrainer.errors import ModelError, RetrainerError
from retrainer.system.child import Arrays, Frame, as_error, packed, read_frame
from retrainer.system.trust import TRUSTING
from retrainer.text import reason_of

_LOOKS_EVERY = 1.0


class Channel:
    """Frames from and to the parent."""

    def __init__(self) -> None:
        # What libraries print must not come between frames.
        self._out = os.dup(1)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)

    def receive(self) -> Frame:
        """The next frame; EOFError if the parent sends no more."""
        return read_frame(_read)

    def send(self, header: dict[str, Any], arrays: Arrays = ()) -> None:
        """Sends a frame."""
        for piece in packed(header, arrays):
            view = memoryview(piece)
            while view:
                view = view[os.write(self._out, view) :]

    def answer(self, work: Callable[[], tuple[dict[str, Any], Arrays]], source: str) -> bool:
        """Sends what `work` gives, or the error that it raises; returns whether it gave something.

        Args:
            work: Gives a frame.
            source: What the user calls the file, for messages.
        """
        try:
            header, arrays = work()
        except RetrainerError as error:
            self.send(as_error(error))
        except MemoryError:
            self.send(as_error(ModelError(f"'{source}' takes more memory than it may.", TRUSTING)))
        except Exception as error:  # whatever damaged bytes make a library stumble over
            self.send(as_error(ModelError(f"'{source}' cannot be used: {reason_of(error)}.", "Copy it again.")))
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


def main(*arguments: str) -> NoReturn:
    """Serves a module's `serve(channel)` until the parent has no more questions.

    Args:
        arguments: The module, the parent's process id, and how many bytes of address space it may take.
    """
    module, parent, memory = arguments
    # The terminal sends Ctrl-C to both; the parent ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(int(memory))
    _end_when_closed(2)
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        import_module(module).serve(Channel())
    # Threads of TensorFlow's may wait for ever.
    os._exit(0)


def limit_memory(memory: int) -> None:
    """Limits the address space of this process, and writes no core."""
    import resource

    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (allowed, allowed))
        except (ValueError, OSError):  # macOS limits no address space
            continue


def limit_seconds(seconds: float) -> None:
    """Limits what the processors do for this process from now on; a parent that is killed cannot end it."""
    import resource

    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used + seconds * len(os.sched_getaffinity(0)) + 1) if hasattr(os, "sched_getaffinity") else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _end_when_closed(descriptor: int) -> None:
    """Has the system end this process when nobody can read a pipe any more, and drops what is written there.

    Native code may keep Python's threads from running, `_end_with` among them, but it does not keep signals from
    ending a process, which SIGIO does by default on Linux.
    """
    watched = os.dup(descriptor)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    with suppress(OSError, AttributeError):  # a system without signals of pipes
        fcntl.fcntl(watched, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(watched, fcntl.F_SETFL, fcntl.fcntl(watched, fcntl.F_GETFL) | os.O_ASYNC)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY)
    os._exit(1)
