"""Works on many items at once, on all cores, or on something else meanwhile."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from queue import SimpleQueue
from typing import Generic, ParamSpec, TypeVar

from retrainer.system.process import keep_freed_memory

Tool = TypeVar("Tool")
Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
# A result in a tuple, or the error that is raised in its place; neither is the end.
_Outcome = tuple[tuple[Result] | None, BaseException | None]

# Lets other threads go on while one decodes a large photo.
_WINDOW = 512
# A thread that waits for the next item is left to itself after this time, as if the items come from a terminal.
_PATIENCE_SECONDS = 0.5


def usable_cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # macOS and Windows lack it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    tools: Sequence[Tool], work: Callable[[Tool, Item], Result], items: Iterable[Item], window: int = _WINDOW
) -> Iterator[Result]:
    """Yields `work(tool, item)` for every item, in order, each as soon as it and those before it are done.

    Each tool gets a thread of its own; a single tool is used by the caller's thread. Threads run at once while they
    release Python's lock: reading, hashing, decoding, resizing and LiteRT do. After an exception or Ctrl-C only the
    items in work are finished.

    Args:
        tools: For example a network for each thread.
        work: Its exceptions are raised here.
        items: They are read as they are needed, one for each free tool, and may be endless. Several tools read them in
            their threads, one at a time. What reading them raises is raised here, behind the results before it.
        window: The number of results that may wait to be taken; choose fewer for large results.
    """
    keep_freed_memory()
    if len(tools) < 2:
        yield from (work(tools[0], item) for item in items)
        return
    crew = _Crew(work, items, window)
    try:
        for tool in tools:
            crew.hire(tool)
        yield from crew.results()
    finally:
        crew.stop()


def meanwhile(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Callable[[], Result]:
    """Begins some work in a thread of its own, and returns a function that waits for its result.

    That function raises what the work raises. See `in_order` for when threads run at once.
    """
    found: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work(*arguments, **named))
        except BaseException as error:  # it is raised in the caller's thread
            errors.append(error)

    def result() -> Result:
        thread.join()
        if errors:
            raise errors[0]
        return found[0]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return result


class _Crew(Generic[Tool, Item, Result]):
    """Threads that take items in turn and work on them at the same time."""

    def __init__(self, work: Callable[[Tool, Item], Result], items: Iterable[Item], window: int) -> None:
        self._work, self._items = work, iter(items)
        self._taken, self._over = 0, False
        self._threads: list[threading.Thread] = []
        # The thread that waits for the next item; whoever has the turn takes it, with a permit.
        self._taking: threading.Thread | None = None
        self._turns, self._permits = SimpleQueue[None](), SimpleQueue[None]()
        self._turns.put(None)
        for _ in range(window):
            self._permits.put(None)
        self._done: SimpleQueue[tuple[int, _Outcome[Result]]] = SimpleQueue()

    def hire(self, tool: Tool) -> None:
        """Starts a thread with a tool."""
        thread = threading.Thread(target=self._run, args=(tool,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def results(self) -> Iterator[Result]:
        """Yields all results in order, and permits one more item for each."""
        waiting: dict[int, _Outcome[Result]] = {}
        for number in count():
            while number not in waiting:
                done, outcome = self._done.get()
                waiting[done] = outcome
            result, error = waiting.pop(number)
            if error is not None:
                raise error
            if result is None:
                return
            self._permits.put(None)
            yield result[0]

    def stop(self) -> None:
        """Ends the threads after the items in work, except one that still waits for the next item."""
        self._over = True
        for _ in self._threads:
            self._turns.put(None)
            self._permits.put(None)
        taking = self._taking
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS if thread is taking else None)

    def _run(self, tool: Tool) -> None:
        while (item := self._next()) is not None:
            number, content = item
            try:
                self._done.put((number, ((self._work(tool, content),), None)))
            except BaseException as error:  # it is raised in the caller's thread
                self._done.put((number, (None, error)))
            del item, content  # an item may be large, and the next may be long in coming

    def _next(self) -> tuple[int, Item] | None:
        """The next item and its number; None if there are no more."""
        self._turns.get()
        try:
            if self._over:
                return None
            self._permits.get()
            self._taking = threading.current_thread()
            return None if self._over else self._take()
        finally:
            self._taking = None
            self._turns.put(None)

    def _take(self) -> tuple[int, Item] | None:
        number, error = self._taken, None
        self._taken += 1
        try:
            return number, next(self._items)
        except StopIteration:
            pass
        except BaseException as problem:
            error = problem
        self._over = True
        self._done.put((number, (None, error)))
        return None
