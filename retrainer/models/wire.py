"""A serialised GraphDef, looked at without parsing it: protobuf's import and parse take longer than a label.

Field numbers are those of tensorflow/core/framework/graph.proto, wire types those of protobuf's encoding.
"""

from mmap import mmap

_NODE_TAG = 0x0A
_VARINT, _LENGTH_DELIMITED = 0, 2
# Ten bytes of seven bits hold the largest number.
_VARINT_BITS = 70


def node_of(graph: bytes | mmap, name: str) -> bytes | None:
    """The serialised node of that name; None where there is none, or where the graph is damaged or truncated.

    Of a graph that is mapped into memory only the beginnings of nodes are read.
    """
    encoded = name.encode("utf-8")
    beginning = bytes([_NODE_TAG, len(encoded)]) + encoded
    found, place = None, 0
    try:
        while place < len(graph):
            tag, place = _varint(graph, place)
            length, place = _varint(graph, place)
            if tag & 7 == _VARINT:
                continue
            if tag & 7 != _LENGTH_DELIMITED:
                return None
            if tag == _NODE_TAG and graph[place : place + len(beginning)] == beginning:
                found = graph[place : place + length]
            place += length
    except IndexError:
        return None
    return found if place == len(graph) else None


def _varint(content: bytes | mmap, place: int) -> tuple[int, int]:
    """The number at a place, and the place behind it; IndexError where the content ends before it, or it never does."""
    number = 0
    for shift in range(0, _VARINT_BITS, 7):
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise IndexError
