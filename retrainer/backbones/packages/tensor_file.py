"""Reads PyTorch's file of tensors as it was before 2020, by NumPy: five pickles in a row, then the numbers.

The pickles hold a magic number, the version of the format, facts of the system, the dictionary of tensors, and the keys
of the storages. For each key in that order follow a little-endian int64 count and the raw numbers, and nothing else.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.backbones.packages.pickles import FLOATS, INTEGERS, Storage, Tensor, read_pickle

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
# The file of EfficientNet-Lite2 takes 25 MB.
MOST_BYTES = 2**26
_TYPES: Mapping[str, np.dtype[Any]] = {FLOATS: np.dtype("<f4"), INTEGERS: np.dtype("<i8")}
_COUNT_BYTES = 8

Arrays = Mapping[str, npt.NDArray[Any]]
"""Name -> tensor, float32 or int64."""


def read_tensors(content: bytes) -> Arrays:
    """Returns the tensors of a file's content, each a copy in C order.

    Raises:
        ValueError: it is no such file, is cut off or longer than it says, or a tensor lies outside its storage.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"expected at most {MOST_BYTES:,} bytes, received {len(content):,}")
    magic, end = read_pickle(content, 0)
    if magic != MAGIC:
        raise ValueError("expected a file of tensors in PyTorch's format of 2016 to 2020, received another")
    version, end = read_pickle(content, end)
    system, end = read_pickle(content, end)
    if version != VERSION or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError(f"expected version {VERSION} of the format, little-endian, received another")
    tensors, end = read_pickle(content, end)
    keys, end = read_pickle(content, end)
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise ValueError("expected a dictionary of tensors, received something else")
    storages = dict(_storages(content, end, keys, _stated(tensors)))
    views = {name: _view(name, tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}
    if sum(view.nbytes for view in views.values()) > len(content):
        raise ValueError("its tensors state more numbers than it has")
    return {name: view.copy() for name, view in views.items()}


def _stated(tensors: Mapping[str, Tensor]) -> Mapping[str, Storage]:
    """Key -> storage, as the tensors state them."""
    storages: dict[str, Storage] = {}
    for tensor in tensors.values():
        storage = tensor.storage
        if storages.setdefault(storage.key, storage) != storage:
            raise ValueError("its tensors state different facts of one storage")
    return storages


def _storages(
    content: bytes, start: int, keys: Any, stated: Mapping[str, Storage]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The numbers of each storage, `(count,)`; they fill the file to its end."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(stated):
        raise ValueError("its list of storages is not that of its tensors")
    for key in keys:
        count, kind = int.from_bytes(content[start : start + _COUNT_BYTES], "little"), _TYPES[stated[key].kind]
        start += _COUNT_BYTES
        if count != stated[key].count or start + count * kind.itemsize > len(content):
            raise ValueError(f"expected {stated[key].count:,} numbers in a storage, received another count")
        yield key, np.frombuffer(content, kind, count, start)
        start += count * kind.itemsize
    if start != len(content):
        raise ValueError(f"expected {start:,} bytes, received {len(content):,}")


def _view(name: str, tensor: Tensor, storage: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A tensor as a view of its storage.

    Raises:
        ValueError: it lies outside the storage.
    """
    shape, strides, offset = tensor.shape, tensor.strides, tensor.offset
    sized = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides) <= 4
    if not sized or not all(type(number) is int and number >= 0 for number in (offset, *shape, *strides)):
        raise ValueError(f"expected a shape and strides of a tensor '{name}', received something else")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if not math.prod(shape) or last >= len(storage) or math.prod(shape) > len(storage):
        raise ValueError(f"the tensor '{name}' lies outside its storage")
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
