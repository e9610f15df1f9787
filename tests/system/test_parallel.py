import threading
import time

import pytest

from retrainer.system.parallel import in_order


@pytest.mark.parametrize("tools", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100, 1001])
@pytest.mark.parametrize("window", [1, 16, 512])
def test_results_come_in_the_order_of_the_items(tools: int, count: int, window: int) -> None:
    def work(tool: int, item: int) -> int:
        if item % 97 == 0:
            time.sleep(0.001)
        return item * 2

    assert list(in_order(list(range(tools)), work, range(count), window)) == [2 * item for item in range(count)]


def test_a_tool_is_used_by_one_thread_at_a_time() -> None:
    tools = [threading.Lock() for _ in range(3)]

    def work(tool: threading.Lock, item: int) -> int:
        assert tool.acquire(blocking=False)
        time.sleep(0.0002)
        tool.release()
        return item

    assert len(list(in_order(tools, work, range(200)))) == 200


@pytest.mark.parametrize("tools", [1, 3])
def test_no_more_work_is_begun_than_the_window_allows(tools: int) -> None:
    begun: list[int] = []
    results = in_order(list(range(tools)), lambda tool, item: begun.append(item), range(10_000), 32)
    for _ in range(10):
        next(results)
    time.sleep(0.05)
    assert len(begun) <= 10 + 32 + 8
    results.close()  # type: ignore[attr-defined]
    done = len(begun)
    time.sleep(0.05)
    assert len(begun) == done


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
