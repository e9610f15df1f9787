"""Finds fields in a `.tflite` by the slots of TFLite's schema, without parsing the rest.

Parsing a model takes a third of the time of a label.
"""

from dataclasses import dataclass
from mmap import mmap
from struct import error, unpack_from

# Slots of fields in the tables of the schema.
MODEL_VERSION, OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS, METADATA_BUFFER, METADATA = range(7)
EXTERNAL_BUFFER_GROUPS, EXTERNAL_BUFFERS = 8, 9
TENSORS, INPUTS, OUTPUTS, OPERATORS, SUBGRAPH_NAME = range(5)
SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME = range(4)
SHAPE_SIGNATURE, HAS_RANK = 7, 8
OPCODE_INDEX, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPTIONS_TYPE, OPTIONS = range(5)
DEPRECATED_BUILTIN_CODE, _, OPERATOR_VERSION, BUILTIN_CODE = range(4)
BUFFER_DATA = 0
METADATA_NAME, METADATA_NUMBER = 0, 1

# Values of the enumeration BuiltinOperator.
FULLY_CONNECTED, SOFTMAX = 9, 25


@dataclass(frozen=True)
class TableReader:
    """Finds fields of tables. Positions are numbers of bytes from the beginning.

    Methods raise `struct.error` if the content is damaged.

    Attributes:
        content: The bytes of a `.tflite`.
    """

    content: bytes | mmap

    @property
    def root(self) -> int:
        """The position of the table Model."""
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

    def target(self, table: int, slot: int) -> int:
        """The position of the text, list or table that a field leads to; 0 if the table does not have it."""
        position = self.field(table, slot)
        return self._inside(position + self._at(position, "I")) if position else 0

    def numbers(self, table: int, slot: int) -> list[int]:
        """A list of whole numbers of four bytes; empty if the table does not have it."""
        start = self.target(table, slot)
        return list(unpack_from(f"<{self._at(start, 'I')}I", self.content, start + 4)) if start else []

    def tables(self, table: int, slot: int) -> list[int]:
        """The positions of the tables in a list."""
        first = self.target(table, slot) + 4
        return [self._inside(first + 4 * row + offset) for row, offset in enumerate(self.numbers(table, slot))]

    def bytes_in(self, table: int, slot: int) -> bytes:
        """A text or a list of bytes; empty if the table does not have it."""
        start = self.target(table, slot)
        if not start:
            return b""
        end = start + 4 + self._at(start, "I")
        self._inside(end - 1)
        return bytes(self.content[start + 4 : end])

    def operator_kinds(self) -> list[int]:
        """The kind of each row in the model's table of operator codes, a value of BuiltinOperator."""
        return [
            # A file of an old or a new schema states only one of them, or both.
            max(self.number(code, DEPRECATED_BUILTIN_CODE, "b"), self.number(code, BUILTIN_CODE, "i"))
            for code in self.tables(self.root, OPERATOR_CODES)
        ]

    def head(self) -> int:
        """The position of the head's operator: the last one of kind FULLY_CONNECTED in the first graph.

        Raises:
            ValueError: there is none.
        """
        graph, kinds = self.tables(self.root, SUBGRAPHS)[0], self.operator_kinds()
        for operator in reversed(self.tables(graph, OPERATORS)):
            if kinds[self.number(operator, OPCODE_INDEX, "I")] == FULLY_CONNECTED:
                return operator
        raise ValueError("expected a model with a head")

    def _at(self, position: int, kind: str) -> int:
        number: int = unpack_from(f"<{kind}", self.content, self._inside(position))[0]
        return number

    def _inside(self, position: int) -> int:
        """The position, if the content has a byte there. Python counts a negative one from the end."""
        if not 0 <= position < len(self.content):
            raise error("expected a position inside the file")
        return position
