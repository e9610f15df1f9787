import threading
from collections.abc import Iterator
from itertools import count
from queue import SimpleQueue
from typing import ClassVar

import pytest
from conftest import wait_until

from retrainer.system.parallel import in_order, meanwhile


@pytest.mark.parametrize("tools", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100, 1001])
@pytest.mark.parametrize("window", [1, 16, 512])
def test_results_come_in_the_order_of_the_items(tools: int, count: int, window: int) -> None:
    later = threading.Event()

    def work(tool: int, item: int) -> int:
        if item == 8:
            later.set()
        # The first item is finished after a later one if two can be worked on at once.
        elif item == 0 and tools > 1 and count > 8 and window > 8:
            assert later.wait(10)
        return item * 2

    assert list(in_order(list(range(tools)), work, range(count), window)) == [2 * item for item in range(count)]


def test_a_tool_is_used_by_one_thread_at_a_time() -> None:
    tools = [threading.Lock() for _ in range(3)]
    all_at_work = threading.Barrier(3)

    def work(tool: threading.Lock, item: int) -> int:
        assert tool.acquire(blocking=False)
        if item in (0, 8, 16):
            all_at_work.wait(10)
        tool.release()
        return item

    assert len(list(in_order(tools, work, range(200)))) == 200


@pytest.mark.parametrize(("tools", "most"), [(1, 10), (3, 10 + 32)])
def test_no_more_work_is_begun_than_the_window_allows(tools: int, most: int) -> None:
    """One tool works on what is taken; several on a window beyond it."""
    begun: list[int] = []
    results = in_order(list(range(tools)), lambda tool, item: begun.append(item), range(10_000), 32)
    for _ in range(10):
        next(results)
    wait_until(lambda: len(begun) == most)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) == most


@pytest.mark.parametrize("tools", [1, 2])
def test_what_goes_wrong_is_raised_where_the_results_are_taken(tools: int) -> None:
    def work(tool: int, item: int) -> int:
        if item == 20:
            raise KeyError(item)
        return item

    taken: list[int] = []
    with pytest.raises(KeyError):
        taken.extend(in_order(list(range(tools)), work, range(100)))
    assert taken == list(range(len(taken)))
    assert len(taken) <= 20


@pytest.mark.parametrize("tools", [1, 3])
def test_items_may_come_one_by_one_and_never_end(tools: int) -> None:
    """Each result comes although the next item does not; a thread that waits for it is left behind."""
    before, items = threading.active_count(), SimpleQueue[int | None]()
    results = in_order(list(range(tools)), lambda tool, item: 2 * item, iter(items.get, None))
    for item in range(20):
        items.put(item)
        assert next(results) == 2 * item
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before + (tools > 1)
    items.put(None)
    wait_until(lambda: threading.active_count() == before)


@pytest.mark.parametrize("tools", [1, 3])
def test_what_goes_wrong_with_the_items_is_raised_behind_the_results_before_it(tools: int) -> None:
    def items() -> Iterator[int]:
        yield from range(100)
        raise KeyError(100)

    before, taken = threading.active_count(), list[int]()
    with pytest.raises(KeyError):
        taken.extend(in_order(list(range(tools)), lambda tool, item: item, items()))
    assert taken == list(range(100))
    assert threading.active_count() == before


@pytest.mark.parametrize("tools", [1, 3])
def test_few_items_of_an_endless_stream_are_held(tools: int) -> None:
    """What is large is let go as soon as it was worked on, even if its results wait."""

    class Large:
        held: ClassVar[set[int]] = set()

        def __init__(self, number: int) -> None:
            self.number = number
            self.held.add(number)

        def __del__(self) -> None:
            self.held.discard(self.number)

    results = in_order(list(range(tools)), lambda tool, item: item.number, map(Large, count()), 64)
    assert [next(results) for _ in range(1000)] == list(range(1000))
    wait_until(lambda: len(Large.held) <= tools + 1)
    results.close()  # type: ignore[attr-defined]


def test_work_is_done_meanwhile_and_its_error_is_raised_where_the_result_is_taken() -> None:
    began, may_end = threading.Event(), threading.Event()

    def work(number: int) -> int:
        began.set()
        may_end.wait()
        return 10 // number

    results = [meanwhile(work, number) for number in (5, 0)]
    assert began.wait(10)
    may_end.set()
    assert results[0]() == 2
    with pytest.raises(ZeroDivisionError):
        results[1]()
