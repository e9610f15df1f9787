"""Products of many rows with few columns, as a head of few classes needs them."""

import numpy as np

from retrainer.arrays import Floats

# A product of more multiplications makes OpenBLAS copy both matrices first, which takes as long as the product.
# Measured with 640 and 2,441 rows of 1,792 numbers and 2 to 10 columns: blocks take 0.5 to 0.8 of the time, and about
# the same on processors for which OpenBLAS has no such rule.
_SMALL = 10**6
BLOCK, _FEWEST = 64, 32


def product(rows: Floats, columns: Floats) -> Floats:
    """Returns `rows @ columns`, `(N, C)`, of float32 `(N, D)` and `(D, C)`."""
    block = _block(columns.size)
    whole = len(rows) // block * block if block else 0
    result = np.empty((len(rows), columns.shape[1]), np.float32)
    if whole:
        np.matmul(_blocks(rows, whole, block), columns, out=_blocks(result, whole, block))
    if whole < len(rows):
        np.matmul(rows[whole:], columns, out=result[whole:])
    return result


def transposed_product(rows: Floats, others: Floats) -> Floats:
    """Returns `rows.T @ others`, `(D, C)`, of float32 `(N, D)` and `(N, C)`."""
    block = _block(rows.shape[1] * others.shape[1])
    whole = len(rows) // block * block if block else 0
    result: Floats = rows[whole:].T @ others[whole:]
    if whole:
        result += (_blocks(rows, whole, block).transpose(0, 2, 1) @ _blocks(others, whole, block)).sum(axis=0)
    return result


def _block(multiplications: int) -> int:
    """The rows of a block, given the multiplications for each; 0 if blocks do not pay."""
    block = min(BLOCK, _SMALL // max(multiplications, 1))
    return block if block >= _FEWEST else 0


def _blocks(rows: Floats, whole: int, block: int) -> Floats:
    """The first `whole` rows in blocks, `(whole / block, block, D)`."""
    return rows[:whole].reshape(-1, block, rows.shape[1])
