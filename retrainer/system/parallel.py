"""Work on many items by all cores at once."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from retrainer.system.process import keep_freed_memory

if TYPE_CHECKING:
    from concurrent.futures import Future

Tool = TypeVar("Tool")
Item = TypeVar("Item")
Result = TypeVar("Result")

# A chunk spares the cost of a future per photo; the window lets others go on while one large photo is decoded.
# Towards the end chunks shrink, so that no thread is left with the last of them alone.
_CHUNK = 8
_WINDOW_CHUNKS = 64


def usable_cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # macOS and Windows lack it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    tools: Sequence[Tool],
    work: Callable[[Tool, Item], Result],
    items: Sequence[Item],
    window: int = _CHUNK * _WINDOW_CHUNKS,
) -> Iterator[Result]:
    """Yields `work(tool, item)` of every item in order, computed by one thread per tool, or by the caller's own.

    The work gains where it leaves Python's lock: reading, hashing, decoding, resizing and LiteRT all do. Stopping
    early, by an exception or Ctrl-C, waits only for the items being worked on.

    Args:
        tools: What each thread has to itself, such as a network. One tool needs no thread of its own.
        work: Its exceptions are raised here.
        items: Read as they are needed.
        window: At most so many results wait to be taken, for large ones fewer.
    """
    keep_freed_memory()
    if len(tools) == 1:
        yield from (work(tools[0], item) for item in items)
        return
    # It imports logging; whoever labels one photo does without.
    from concurrent.futures import ThreadPoolExecutor

    free: SimpleQueue[Tool] = SimpleQueue()
    for tool in tools:
        free.put(tool)
    stopped = False

    def of_chunk(chunk: Sequence[Item]) -> list[Result]:
        tool = free.get()
        try:
            return [] if stopped else [work(tool, item) for item in chunk if not stopped]
        finally:
            free.put(tool)

    pending: deque[tuple[int, Future[list[Result]]]] = deque()
    started = taken = 0
    pool = ThreadPoolExecutor(len(tools))
    try:
        while started < len(items) or pending:
            if started < len(items) and (started - taken < window or not pending):
                size = max(1, min(_CHUNK, (len(items) - started) // (2 * len(tools))))
                pending.append((size, pool.submit(of_chunk, items[started : started + size])))
                started += size
            else:
                size, future = pending.popleft()
                yield from future.result()
                taken += size
    finally:
        stopped = True
        pool.shutdown(cancel_futures=True)
