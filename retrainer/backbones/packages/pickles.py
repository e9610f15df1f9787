"""Reads pickles of tensors as data: a few opcodes and four names are known, and nothing is imported or called.

Python's own unpickler runs what a pickle names, and a few bytes make it take gigabytes for its memo. This one is a loop
over the opcodes that `torch.save` writes with protocol 2 for a dictionary of tensors.
"""

import io
import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Header of EfficientNet-Lite2: 64 kB.
MOST_BYTES = 2**20
ORDERED_DICT, REBUILD_TENSOR = "collections.OrderedDict", "torch._utils._rebuild_tensor_v2"
FLOATS, INTEGERS = "torch.FloatStorage", "torch.LongStorage"
NAMES = (ORDERED_DICT, REBUILD_TENSOR, FLOATS, INTEGERS)
# A message shows at most this much of a name.
_MOST_SHOWN = 100
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARGUMENTS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class Name:
    """One of the four names."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Where a tensor's numbers stand.

    Attributes:
        kind: `FLOATS` or `INTEGERS`.
        key: Its key in the file.
        count: How many numbers it has.
    """

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage, in numbers; each is as the pickle states it, and may be wrong.

    Attributes:
        storage: The storage.
        offset: The number in it that comes first.
        shape: The sizes of the tensor.
        strides: For each size, the distance between neighbours.
    """

    storage: Storage
    offset: Any
    shape: Any
    strides: Any


def read_pickle(content: bytes, start: int) -> tuple[Any, int]:
    """Returns the value of the pickle that begins at an offset, and the offset behind it.

    Args:
        content: A file.
        start: Where the pickle begins.

    Raises:
        ValueError: it holds another opcode or name, is cut off, or takes more than `MOST_BYTES`.
    """
    stream, machine = io.BytesIO(content[start : start + MOST_BYTES]), _Machine()
    try:
        for opcode, argument in _opcodes(stream):
            machine.step(opcode, argument)
        value = machine.only()
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("its pickle makes no sense") from error
    return value, start + stream.tell()


def _opcodes(stream: io.BytesIO) -> Iterator[tuple[str, Any]]:
    """The names and arguments of a pickle's opcodes."""
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            yield opcode.name, argument
    except ValueError as error:
        raise ValueError("its pickle is cut off or damaged") from error


@dataclass
class _Machine:
    """The stack, its marks and the memo of a pickle."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def step(self, opcode: str, argument: Any) -> None:
        """Does what one opcode says."""
        if opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in _ARGUMENTS:
            self.stack.append(argument)
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            self.stack.append(tuple(self._popped(len(self.stack) - count)))
        elif opcode in _STEPS:
            _STEPS[opcode](self, argument)
        else:
            raise ValueError(f"its pickle has the opcode {opcode}, which no tensors need")

    def only(self) -> Any:
        """The one value that is left on the stack."""
        if len(self.stack) != 1:
            raise IndexError(len(self.stack))
        return self.stack[0]

    def _popped(self, start: int) -> list[Any]:
        """Takes the values from a position off the stack."""
        if start < (self.marks[-1] if self.marks else 0):
            raise IndexError(start)
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _marked(self) -> list[Any]:
        """Takes the values above the last mark off the stack."""
        mark = self.marks.pop()
        return self._popped(mark)

    def _protocol(self, version: int) -> None:
        if version != 2:
            raise ValueError(f"expected a pickle of protocol 2, received {version}")

    def _global(self, argument: str) -> None:
        name = argument.replace(" ", ".")
        if name not in NAMES:
            raise ValueError(f"its pickle wants '{name[:_MOST_SHOWN]}'; only {', '.join(NAMES)} are known")
        self.stack.append(Name(name))

    def _put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def _set(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(pairs) % 2 or not all(isinstance(key, str) for key in pairs[::2]):
            raise ValueError("its pickle makes no sense")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))

    def _append_all(self, _: None) -> None:
        values = self._marked()
        if not isinstance(self.stack[-1], list):
            raise ValueError("its pickle makes no sense")
        self.stack[-1].extend(values)

    def _build(self, _: None) -> None:
        """Ignores a dictionary's attributes, in which PyTorch keeps versions."""
        if not isinstance(self.stack.pop(), dict) or not isinstance(self.stack[-1], dict):
            raise ValueError("its pickle makes no sense")

    def _reduce(self, _: None) -> None:
        called, arguments = self._popped(len(self.stack) - 2)
        if called == Name(ORDERED_DICT) and arguments == ():
            self.stack.append({})
        elif called == Name(REBUILD_TENSOR):
            storage, offset, shape, strides, _gradient, hooks = arguments
            if not isinstance(storage, Storage) or hooks != {}:
                raise ValueError("its pickle makes no sense")
            self.stack.append(Tensor(storage, offset, shape, strides))
        else:
            raise ValueError("its pickle makes no sense")

    def _persistent(self, _: None) -> None:
        word, kind, key, location, count, view = self.stack.pop()
        if word != "storage" or location != "cpu" or view is not None or kind not in (Name(FLOATS), Name(INTEGERS)):
            raise ValueError("expected storages of floats and integers on the CPU, received others")
        if not isinstance(key, str) or type(count) is not int:
            raise ValueError("its pickle makes no sense")
        self.stack.append(Storage(kind.name, key, count))

    def _nothing(self, _: Any) -> None:
        pass


_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine._protocol,
    "GLOBAL": _Machine._global,
    "INST": _Machine._global,
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine._marked())),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "SETITEM": lambda machine, _: machine._set(machine._popped(len(machine.stack) - 2)),
    "SETITEMS": lambda machine, _: machine._set(machine._marked()),
    "APPENDS": _Machine._append_all,
    "BINPUT": _Machine._put,
    "LONG_BINPUT": _Machine._put,
    "BINGET": lambda machine, number: machine.stack.append(machine.memo[number]),
    "LONG_BINGET": lambda machine, number: machine.stack.append(machine.memo[number]),
    "REDUCE": _Machine._reduce,
    "BINPERSID": _Machine._persistent,
    "BUILD": _Machine._build,
    "STOP": _Machine._nothing,
}
