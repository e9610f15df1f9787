"""Reads the sizes of a `.tflite` without parsing the rest."""

import struct
from mmap import mmap
from pathlib import Path

from retrainer.models.seal import damaged
from retrainer.models.tflite.table_reader import INPUTS, OUTPUTS, SHAPE, SUBGRAPHS, TENSORS, TableReader


def sizes_of(content: bytes | mmap, path: str | Path) -> tuple[int, int]:
    """The side S of a model's first input `(1, S, S, 3)` and the length of its first output.

    Args:
        content: The bytes of the model.
        path: Its path, for messages.

    Raises:
        ModelError: it is no TFLite model of pictures.
    """
    reader = TableReader(content)
    try:
        graph = reader.tables(reader.root, SUBGRAPHS)[0]
        tensors = reader.tables(graph, TENSORS)
        picture, given = (tensors[reader.numbers(graph, slot)[0]] for slot in (INPUTS, OUTPUTS))
        return reader.numbers(picture, SHAPE)[1], reader.numbers(given, SHAPE)[-1]
    except (struct.error, IndexError) as error:
        raise damaged(path, "expected a TFLite model of pictures") from error
