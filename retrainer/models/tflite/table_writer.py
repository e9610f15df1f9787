"""Writes tables of a flatbuffer slot by slot. In flatbuffers, children must be finished before their parents.

An offset counts bytes from the end, backwards. So a table of a flatbuffer that comes next has a negative offset: minus
its position there.
"""

from collections.abc import Mapping, Sequence

import flatbuffers

# TFLite's schema wants the contents of tensors at multiples of this.
_ALIGNMENT = 16


class TableWriter:
    """Writes texts, lists and tables; each method returns the offset by which a parent names what it wrote.

    Args:
        size: How many bytes everything takes; it grows if that is too few.
    """

    def __init__(self, size: int = 1024) -> None:
        self._builder = flatbuffers.Builder(size)

    def string(self, text: str) -> int:
        """Writes a text."""
        return int(self._builder.CreateString(text))

    def content(self, content: bytes) -> int:
        """Writes the content of a tensor, or of anything else."""
        self._builder.Prep(_ALIGNMENT, len(content))
        return int(self._builder.CreateByteVector(content))

    def offsets(self, items: Sequence[int]) -> int:
        """Writes a list of tables or texts."""
        self._builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self._builder.PrependUOffsetTRelative(item)
        return int(self._builder.EndVector())

    def integers(self, values: Sequence[int]) -> int:
        """Writes a list of int32."""
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependInt32(value)
        return int(self._builder.EndVector())

    def floats(self, values: Sequence[float]) -> int:
        """Writes a list of float32."""
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def table(
        self,
        *,
        offsets: Mapping[int, int] = {},
        bytes_: Mapping[int, int] = {},
        uints: Mapping[int, int] = {},
        floats: Mapping[int, float] = {},
    ) -> int:
        """Writes a table: slot -> offset of a child, number of one byte, number of four bytes, or float32."""
        self._builder.StartObject(1 + max([*offsets, *bytes_, *uints, *floats], default=0))
        for slot, value in offsets.items():
            self._builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        for slot, value in uints.items():
            self._builder.PrependUint32Slot(slot, value, 0)
        for slot, number in floats.items():
            self._builder.PrependFloat32Slot(slot, number, 0.0)
        for slot, value in bytes_.items():
            self._builder.PrependUint8Slot(slot, value, 0)
        return int(self._builder.EndObject())

    def finished(self, root: int, identifier: bytes) -> bytes:
        """Returns the flatbuffer, given its root table and four bytes that name its kind.

        Its length is a multiple of the alignment of contents, if it has any.
        """
        self._builder.Finish(root, identifier)
        return bytes(self._builder.Output())
