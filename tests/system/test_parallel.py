import threading

import pytest
from conftest import wait_until

from retrainer.system.parallel import in_order


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


@pytest.mark.parametrize(("tools", "most"), [(1, 10), (3, 8 + 32)])
def test_no_more_work_is_begun_than_the_window_allows(tools: int, most: int) -> None:
    """One tool works on what is taken; several on a window beyond the chunks of eight that were taken."""
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
