"""Works on many items at once, on all cores."""

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

# A chunk saves the cost of a future for each photo. The window lets other threads go on while one decodes a large
# photo. Towards the end chunks shrink, so that no thread works alone on the last one.
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
    """Yields `work(tool, item)` for every item, in order.

    Each tool gets a thread of its own; a single tool is used by the caller's thread. Threads run at once while they
    release Python's lock: reading, hashing, decoding, resizing and LiteRT do. After an exception or Ctrl-C only the
    items in work are finished.

    Args:
        tools: For example a network for each thread.
        work: Its exceptions are raised here.
        items: They are read as they are needed.
        window: The number of results that may wait to be taken; choose fewer for large results.
    """
    keep_freed_memory()
    if len(tools) == 1:
        yield from (work(tools[0], item) for item in items)
        return
    # It imports logging, which a label does not need.
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
