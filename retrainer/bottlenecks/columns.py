"""NumPy arrays <-> columns of Parquet tables, without a copy per row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Floats


def bytes_column(rows: npt.NDArray[np.uint8]) -> Any:
    """Rows of bytes, uint8 `(n, width)`, as a column."""
    import pyarrow

    content = pyarrow.py_buffer(np.ascontiguousarray(rows).tobytes())
    return pyarrow.FixedSizeBinaryArray.from_buffers(pyarrow.binary(rows.shape[1]), len(rows), [None, content])


def bytes_rows(column: Any, width: int) -> npt.NDArray[np.uint8]:
    """A column of bytes as rows, uint8 `(n, width)`."""
    rows = [np.frombuffer(c.buffers()[1], np.uint8)[c.offset * width :][: len(c) * width] for c in column.chunks]
    return np.concatenate(rows, dtype=np.uint8).reshape(-1, width) if rows else np.empty((0, width), np.uint8)


def vector_column(vectors: Floats, column_type: Any) -> Any:
    """Vectors `(n, D)` as a column of lists; the type is a `pyarrow.FixedSizeListType` of D numbers."""
    import pyarrow

    flat = pyarrow.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    return pyarrow.FixedSizeListArray.from_arrays(flat, type=column_type)


def vector_rows(column: Any, depth: int) -> Floats:
    """A column of lists of `depth` numbers as vectors, float32 `(n, depth)`."""
    # `flatten` would import pyarrow.compute, which takes as long as reading a small cache.
    rows = [c.values.slice(c.offset * depth, len(c) * depth).to_numpy() for c in column.chunks]
    return np.concatenate(rows, dtype=np.float32).reshape(-1, depth) if rows else np.empty((0, depth), np.float32)
