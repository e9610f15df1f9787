import numpy as np
import pytest

from retrainer.training.products import BLOCK, product, transposed_product


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 1])
@pytest.mark.parametrize(("depth", "classes"), [(8, 3), (1792, 10), (1792, 40)])
def test_blocks_give_what_one_product_gives(count: int, depth: int, classes: int) -> None:
    generator = np.random.default_rng(count)
    rows, columns, others = (
        generator.normal(size=shape).astype(np.float32)
        for shape in ((count, depth), (depth, classes), (count, classes))
    )
    assert product(rows, columns) == pytest.approx(rows @ columns, abs=1e-3)
    assert transposed_product(rows, others) == pytest.approx(rows.T @ others, abs=1e-3)
