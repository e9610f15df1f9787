"""Gives a retrained `.tflite` its features as a second output by changing some bytes, without parsing all of it.

Parsing and packing a model takes a third of the time of a label. Slots are those of TFLite's schema. In a flatbuffer
an offset is a number of bytes forward, so that the new list of outputs can stand at the end.
"""

from dataclasses import dataclass
from struct import pack, unpack_from

# Slots of fields in the tables Model, SubGraph, Operator and OperatorCode.
_OPERATOR_CODES, _SUBGRAPHS = 1, 2
_OUTPUTS, _OPERATORS = 2, 3
_OPCODE_INDEX, _INPUTS = 0, 1
_DEPRECATED_BUILTIN_CODE = 0
_FULLY_CONNECTED = 9


def changes_for_features(model: bytes) -> list[tuple[int, bytes]]:
    """Returns what makes the features `(1, D)`, which the head takes, a second output: positions and new bytes there.

    Args:
        model: The content of a retrained `.tflite`. The last change makes it longer.

    Raises:
        ValueError: it has no head.
        struct.error: it is damaged.
    """
    content = _Flatbuffer(model)
    graph = content.tables(content.root, _SUBGRAPHS)[0]
    codes = content.tables(content.root, _OPERATOR_CODES)
    heads = (
        operator
        for operator in reversed(content.tables(graph, _OPERATORS))
        if content.number(codes[content.number(operator, _OPCODE_INDEX, "I")], _DEPRECATED_BUILTIN_CODE, "b")
        == _FULLY_CONNECTED
    )
    head = next(heads, None)
    if head is None:
        raise ValueError("expected a model with a head")
    outputs = [*content.numbers(graph, _OUTPUTS), content.numbers(head, _INPUTS)[0]]
    field, end = content.field(graph, _OUTPUTS), -(-len(model) // 4) * 4
    added = pack(f"<{1 + len(outputs)}I", len(outputs), *outputs)
    return [(field, pack("<I", end - field)), (len(model), bytes(end - len(model)) + added)]


@dataclass(frozen=True)
class _Flatbuffer:
    """Finds fields of tables. Positions are numbers of bytes from the beginning."""

    content: bytes

    @property
    def root(self) -> int:
        """The position of the first table."""
        return self._at(0, "I")

    def field(self, table: int, slot: int) -> int:
        """The position of a table's field; 0 if the table does not have it."""
        slots = table - self._at(table, "i")
        entry = 4 + 2 * slot
        offset = self._at(slots + entry, "H") if entry < self._at(slots, "H") else 0
        return table + offset if offset else 0

    def number(self, table: int, slot: int, kind: str) -> int:
        """A number of a table, of one of the kinds of `struct`; 0 if the table does not have it."""
        position = self.field(table, slot)
        return self._at(position, kind) if position else 0

    def numbers(self, table: int, slot: int) -> list[int]:
        """A list of whole numbers of four bytes; empty if the table does not have it."""
        position = self.field(table, slot)
        if not position:
            return []
        start = position + self._at(position, "I")
        return list(unpack_from(f"<{self._at(start, 'I')}I", self.content, start + 4))

    def tables(self, table: int, slot: int) -> list[int]:
        """The positions of the tables in a list."""
        position = self.field(table, slot)
        first = position + self._at(position, "I") + 4
        return [first + 4 * row + offset for row, offset in enumerate(self.numbers(table, slot))]

    def _at(self, position: int, kind: str) -> int:
        number: int = unpack_from(f"<{kind}", self.content, position)[0]
        return number
