"""TFLite Metadata: the description of inputs and outputs that MediaPipe and Android's tools read.

We write the few tables of an image classifier ourselves. The package with a writer, mediapipe, installs as well as any,
but brings OpenCV, Matplotlib and ten more packages, 500 MB on the disk. A slow test lets MediaPipe read and run a model
of ours. Slots, enumerations and the identifier come from metadata_schema.fbs of tensorflow/tflite-support.
"""

import struct
from contextlib import suppress

from flatbuffers import encode, number_types
from flatbuffers.table import Table

from retrainer.models.metadata import INPUT_NODE, LABELS_FILE, METADATA_FILE, ModelMetadata
from retrainer.models.tflite.table_writer import TableWriter

METADATA_BUFFER = "TFLITE_METADATA"
IDENTIFIER = b"M001"

# Values of the schema's enumerations and unions.
DESCRIPTIONS, TENSOR_AXIS_LABELS = 1, 2
RGB = 1
IMAGE_PROPERTIES, FEATURE_PROPERTIES = 2, 1
NORMALIZATION_OPTIONS = 1
# The oldest parser that knows every table used here.
MIN_PARSER_VERSION = "1.0.0"


def _file(writer: TableWriter, name: str, description: str, kind: int) -> int:
    return writer.table(offsets={0: writer.string(name), 1: writer.string(description)}, bytes_={2: kind})


def packed_metadata(metadata: ModelMetadata) -> bytes:
    """Returns the content of the buffer `TFLITE_METADATA` of an image classifier with one input and one output."""
    writer = TableWriter()
    subgraph = writer.table(
        offsets={2: writer.offsets([_input(writer, metadata)]), 3: writer.offsets([_output(writer, metadata)])}
    )
    root = writer.table(
        offsets={
            0: writer.string("image classifier"),
            1: writer.string(f"Retrained from {metadata.backbone.get('name', 'a backbone')} by retrainer."),
            3: writer.offsets([subgraph]),
            6: writer.offsets(
                [_file(writer, METADATA_FILE, "How pictures are read and the model was made.", DESCRIPTIONS)]
            ),
            7: writer.string(MIN_PARSER_VERSION),
        }
    )
    return writer.finished(root, IDENTIFIER)


def _input(writer: TableWriter, metadata: ModelMetadata) -> int:
    size = writer.table(uints={0: metadata.input_size, 1: metadata.input_size})
    image = writer.table(offsets={1: size}, bytes_={0: RGB})
    content = writer.table(offsets={1: image}, bytes_={0: IMAGE_PROPERTIES})
    normalisation = writer.table(offsets={0: writer.floats([metadata.mean]), 1: writer.floats([metadata.std])})
    unit = writer.table(offsets={1: normalisation}, bytes_={0: NORMALIZATION_OPTIONS})
    return writer.table(
        offsets={
            0: writer.string(INPUT_NODE),
            1: writer.string("The picture, squashed to a square."),
            3: content,
            4: writer.offsets([unit]),
        }
    )


def _output(writer: TableWriter, metadata: ModelMetadata) -> int:
    content = writer.table(offsets={1: writer.table()}, bytes_={0: FEATURE_PROPERTIES})
    labels = _file(writer, LABELS_FILE, "One label per score.", TENSOR_AXIS_LABELS)
    return writer.table(
        offsets={
            0: writer.string(metadata.output_node),
            1: writer.string("One score per label, 0 to 1; they sum to 1."),
            3: content,
            6: writer.offsets([labels]),
        }
    )


def normalisation_in(metadata: bytes) -> tuple[float, float] | None:
    """Mean and std of the first input in TFLite Metadata, averaged over channels; None if there are none.

    Args:
        metadata: The content of the buffer `TFLITE_METADATA`, written by any tool.
    """
    try:
        start = encode.Get(number_types.UOffsetTFlags.packer_type, metadata, 0)
        graph = _tables(Table(metadata, start), 3)[0]
        for unit in _tables(_tables(graph, 2)[0], 4):
            kind = unit.Offset(4)
            if kind and unit.Get(number_types.Uint8Flags, unit.Pos + kind) == NORMALIZATION_OPTIONS:
                options = Table(metadata, unit.Indirect(unit.Pos + unit.Offset(6)))
                mean, std = _floats(options, 0), _floats(options, 1)
                return sum(mean) / len(mean), sum(std) / len(std)
    except (
        IndexError,
        ValueError,
        TypeError,
        struct.error,
        ZeroDivisionError,
    ):  # the metadata is damaged; the network may not be
        pass
    return None


def labels_file_in(metadata: bytes) -> str:
    """The name of the labels file of the first output in TFLite Metadata; empty if there is none.

    A file without a language is taken rather than one of a language.

    Args:
        metadata: The content of the buffer `TFLITE_METADATA`, written by any tool.
    """
    found = []
    with suppress(IndexError, ValueError, TypeError, struct.error):  # the metadata is damaged; the network may not be
        start = encode.Get(number_types.UOffsetTFlags.packer_type, metadata, 0)
        graph = _tables(Table(metadata, start), 3)[0]
        for file in _tables(_tables(graph, 3)[0], 6):
            kind = file.Offset(8)
            if kind and file.Get(number_types.Uint8Flags, file.Pos + kind) == TENSOR_AXIS_LABELS:
                found.append((_text(file, 3) != "", _text(file, 0)))
    return next((name for _, name in sorted(found, key=lambda one: one[0]) if name), "")


def _text(table: Table, slot: int) -> str:
    offset = table.Offset(4 + 2 * slot)
    return bytes(table.String(table.Pos + offset)).decode("utf-8", "replace") if offset else ""


def _tables(table: Table, slot: int) -> list[Table]:
    """The tables in a vector, which is in a slot of a table."""
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return []
    start = table.Vector(offset)
    return [Table(table.Bytes, table.Indirect(start + 4 * number)) for number in range(table.VectorLen(offset))]


def _floats(table: Table, slot: int) -> list[float]:
    offset = table.Offset(4 + 2 * slot)
    start, count = (table.Vector(offset), table.VectorLen(offset)) if offset else (0, 0)
    return [float(table.Get(number_types.Float32Flags, start + 4 * number)) for number in range(count)]
