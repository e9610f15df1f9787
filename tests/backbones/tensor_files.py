"""Writes PyTorch's old format of tensors, opcode by opcode, so that tests can write what PyTorch never would."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are."""

    opcodes: bytes


@dataclass(frozen=True)
class Named:
    """A name, which a usual unpickler would import."""

    module: str
    name: str


@dataclass(frozen=True)
class Called:
    """A call of a name."""

    name: Any
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Persistent:
    """A reference to something outside."""

    identity: tuple[Any, ...]


ORDERED = Called(Named("collections", "OrderedDict"))


def opcodes(value: Any) -> bytes:  # noqa: PLR0911
    """The opcodes that leave a value on the stack."""
    if isinstance(value, Raw):
        return value.opcodes
    if isinstance(value, Named):
        return f"c{value.module}\n{value.name}\n".encode()
    if isinstance(value, Called):
        return opcodes(value.name) + opcodes(value.arguments) + b"R"
    if isinstance(value, Persistent):
        return opcodes(value.identity) + b"Q"
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(content)]) + content
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, tuple):
        return b"(" + b"".join(map(opcodes, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(opcodes, value)) + b"e"
    pairs = b"".join(opcodes(key) + opcodes(item) for key, item in value.items())
    return b"}(" + pairs + b"u"


def pickled(value: Any) -> bytes:
    return b"\x80\x02" + opcodes(value) + b"."


def storage(key: str, count: Any, kind: str = "FloatStorage", location: str = "cpu", view: Any = None) -> Persistent:
    return Persistent(("storage", Named("torch", kind), key, location, count, view))


def tensor(of: Any, shape: Any, strides: Any, offset: Any = 0) -> Called:
    return Called(Named("torch._utils", "_rebuild_tensor_v2"), (of, offset, shape, strides, False, ORDERED))


def dictionary(tensors: Mapping[str, Any]) -> Raw:
    """An ordered dictionary with an attribute, as PyTorch has it."""
    pairs = b"".join(opcodes(name) + opcodes(value) for name, value in tensors.items())
    return Raw(opcodes(ORDERED) + b"(" + pairs + b"u" + opcodes({"_metadata": ORDERED}) + b"b")


def numbers(values: Any) -> bytes:
    """A storage's count and its numbers."""
    array = np.asarray(values)
    return struct.pack("<q", array.size) + array.tobytes()


def written(tensors: Any, keys: Any = (), content: bytes = b"", magic: int = MAGIC, system: Any = SYSTEM) -> bytes:
    """A whole file; the tensors are anything that is to stand in the place of their dictionary."""
    if isinstance(tensors, dict):
        tensors = dictionary(tensors)
    return b"".join(map(pickled, (magic, VERSION, system, tensors, list(keys)))) + content


def of_arrays(arrays: Mapping[str, Any], transposed: frozenset[str] = frozenset()) -> bytes:
    """A whole file of arrays; some are stored in Fortran order, as strided tensors are."""
    tensors, keys, content = {}, [], []
    for number, (name, array) in enumerate(arrays.items()):
        kind = "LongStorage" if array.dtype == np.int64 else "FloatStorage"
        stored = array.ravel(order="F" if name in transposed else "C")
        laid_out = np.array(array, order="F" if name in transposed else "C")
        strides = tuple(step // array.itemsize for step in laid_out.strides)
        tensors[name] = tensor(storage(str(number), array.size, kind), tuple(array.shape), strides)
        keys.append(str(number))
        content.append(numbers(stored))
    return written(tensors, keys, b"".join(content))
