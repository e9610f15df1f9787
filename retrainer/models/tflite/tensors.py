"""Tensors of a parsed `.tflite`: names, shapes, and how its integers stand for numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from retrainer.arrays import Floats

# Integer type that a picture may have -> the number to add to an integer to get a pixel of 0 to 255.
INTEGERS = {schema.TensorType.UINT8: 0, schema.TensorType.INT8: 128}
_DTYPES: dict[int, type[np.integer[Any]]] = {schema.TensorType.UINT8: np.uint8, schema.TensorType.INT8: np.int8}


def text_of(name: bytes | str | None) -> str:
    """A name in the file as text; empty if there is none."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""


def shape_of(tensor: Any) -> tuple[int, ...]:
    """A tensor's shape; -1 stands for a side of any length."""
    sides = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return tuple(int(side) for side in sides) if sides is not None else ()


def quantization_of(tensor: Any) -> tuple[float, int]:
    """Scale and zero point: the integer q stands for `scale * (q - zero)`. They are 1 and 0 if the file has none."""
    given = tensor.quantization
    if given is None or given.scale is None or not len(given.scale) or not given.scale[0] > 0:
        return 1.0, 0
    return float(given.scale[0]), int(given.zeroPoint[0]) if given.zeroPoint is not None else 0


def as_integers(real: Floats, tensor: Any) -> npt.NDArray[Any]:
    """Numbers of any shape as the integers of a uint8 or int8 tensor."""
    scale, zero = quantization_of(tensor)
    dtype = _DTYPES[tensor.type]
    limits = np.iinfo(dtype)
    integers: npt.NDArray[Any] = np.rint(real / scale + zero).clip(limits.min, limits.max).astype(dtype)
    return integers
