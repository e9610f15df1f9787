"""Finds a node in a serialised GraphDef without parsing it: protobuf would take a fifth of the time of a label.

Field numbers are those of tensorflow/core/framework/graph.proto and node_def.proto, wire types those of protobuf's
encoding. Every protobuf library writes the name of a node first, since it is the first field.
"""

from mmap import mmap
from pathlib import Path

from retrainer.system.files import mapped_file

_NODE_TAG = _NAME_TAG = 0x0A
_VARINT, _LENGTH_DELIMITED = 0, 2
# The largest number takes ten bytes of seven bits.
_VARINT_BITS = 70
# Fields are numbered from 1, so a file of zeros has no field.
_FIRST_TAG = 1 << 3


def node_in(path: Path, name: str) -> bytes | None:
    """Like `node_of`, for a file; it reads only the beginnings of nodes.

    Raises:
        OSError: it cannot be read.
    """
    with mapped_file(path) as graph:
        return node_of(graph, name)


def node_of(graph: bytes | mmap, name: str) -> bytes | None:
    """The last node of a name, serialised; None if there is none, or if the graph is damaged or truncated."""
    wanted = name.encode("utf-8")
    found, offset = None, 0
    try:
        while offset < len(graph):
            tag, offset = _varint(graph, offset)
            if tag < _FIRST_TAG:
                return None
            length, offset = _varint(graph, offset)
            if tag & 7 == _VARINT:
                continue
            if tag & 7 != _LENGTH_DELIMITED:
                return None
            if tag == _NODE_TAG and length and graph[offset] == _NAME_TAG:
                size, start = _varint(graph, offset + 1)
                if graph[start : start + size] == wanted:
                    found = graph[offset : offset + length]
            offset += length
    except IndexError:
        return None
    return found if offset == len(graph) else None


def _varint(content: bytes | mmap, offset: int) -> tuple[int, int]:
    """The number at an offset and the offset after it; IndexError if the number does not end within the content."""
    number = 0
    for shift in range(0, _VARINT_BITS, 7):
        byte = content[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, offset
    raise IndexError
