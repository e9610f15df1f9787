import numpy as np
import pytest

from retrainer.photos.decoding.damage import has_lost_block


def data(zeros_from: int, zeros_to: int) -> bytes:
    content = np.random.default_rng(0).integers(1, 256, 8192, np.uint8)
    content[zeros_from:zeros_to] = 0
    return content.tobytes()


@pytest.mark.parametrize(("begin", "end"), [(512, 1024), (4096, 8192), (1024, 1536), (7680, 8192)])
def test_zeros_from_block_to_block_are_a_lost_block(begin: int, end: int) -> None:
    assert has_lost_block(data(begin, end), 100, 8192)


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (512, 1000), (500, 1024), (513, 1025), (511, 2048), (512, 513)])
def test_other_zeros_are_data(begin: int, end: int) -> None:
    assert not has_lost_block(data(begin, end), 100, 8192)


@pytest.mark.parametrize(("begin", "end", "looked_at"), [(512, 1024, (1024, 8192)), (7168, 8192, (100, 7000))])
def test_only_the_data_are_looked_at(begin: int, end: int, looked_at: tuple[int, int]) -> None:
    assert not has_lost_block(data(begin, end), *looked_at)
