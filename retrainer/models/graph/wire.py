"""A serialised GraphDef, looked at without parsing it: protobuf's import and parse would be a fifth of a label.

Field numbers are those of tensorflow/core/framework/graph.proto and node_def.proto, wire types those of protobuf's
encoding; every library of protobuf's writes a node's name, its first field, first.
"""

import os
from mmap import ACCESS_READ, mmap
from pathlib import Path

from retrainer.system.files import open_regular

_NODE_TAG = _NAME_TAG = 0x0A
_VARINT, _LENGTH_DELIMITED = 0, 2
# Ten bytes of seven bits hold the largest number.
_VARINT_BITS = 70
# Fields are numbered from 1, so that zeros, which a file may consist of, are no field.
_FIRST_TAG = 1 << 3


def node_in(path: Path, name: str) -> bytes | None:
    """`node_of` a file, of which only the beginnings of nodes are read.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as handle:
        if not os.fstat(handle.fileno()).st_size:  # nothing to map
            return None
        with mmap(handle.fileno(), 0, access=ACCESS_READ) as graph:
            return node_of(graph, name)


def node_of(graph: bytes | mmap, name: str) -> bytes | None:
    """The serialised node of that name; None where there is none, or where the graph is damaged or truncated."""
    wanted = name.encode("utf-8")
    found, place = None, 0
    try:
        while place < len(graph):
            tag, place = _varint(graph, place)
            if tag < _FIRST_TAG:
                return None
            length, place = _varint(graph, place)
            if tag & 7 == _VARINT:
                continue
            if tag & 7 != _LENGTH_DELIMITED:
                return None
            if tag == _NODE_TAG and length and graph[place] == _NAME_TAG:
                size, start = _varint(graph, place + 1)
                if graph[start : start + size] == wanted:
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
