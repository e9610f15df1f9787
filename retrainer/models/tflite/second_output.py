"""Gives a retrained `.tflite` its features as a second output by changing some bytes, without parsing all of it.

In a flatbuffer an offset is a number of bytes forward, so that the new list of outputs can stand at the end.
"""

from struct import pack

from retrainer.models.tflite.table_reader import OPERATOR_INPUTS, OUTPUTS, SUBGRAPHS, TableReader


def changes_for_features(model: bytes) -> list[tuple[int, bytes]]:
    """Returns what makes the features `(1, D)`, which the head takes, a second output: positions and new bytes there.

    Args:
        model: The content of a retrained `.tflite`. The last change makes it longer.

    Raises:
        ValueError: it has no head.
        IndexError, struct.error: it is damaged.
    """
    content = TableReader(model)
    graph = content.tables(content.root, SUBGRAPHS)[0]
    head = content.head()
    outputs = [*content.numbers(graph, OUTPUTS), content.numbers(head, OPERATOR_INPUTS)[0]]
    field, end = content.field(graph, OUTPUTS), -(-len(model) // 4) * 4
    added = pack(f"<{1 + len(outputs)}I", len(outputs), *outputs)
    return [(field, pack("<I", end - field)), (len(model), bytes(end - len(model)) + added)]
