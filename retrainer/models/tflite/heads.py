"""Puts a head on a backbone's `.tflite`, and finds it again, without parsing the backbone.

In a flatbuffer an offset is a number of bytes forward. So new tables stand in front of those of the backbone, whose
bytes stay as they are. That takes a fifth of the time of parsing and packing a network.
"""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.models.metadata import LABELS_FILE, METADATA_FILE, PROTOTYPES_FILE, ModelMetadata
from retrainer.models.seal import UNSEALED, damaged, sealed
from retrainer.models.tflite import table_reader as slots
from retrainer.models.tflite.associated_files import MODEL_IDENTIFIER
from retrainer.models.tflite.table_reader import TableReader
from retrainer.models.tflite.table_writer import TableWriter
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER, packed_metadata
from retrainer.training.head import Head
from retrainer.training.rejection import Prototypes, to_npy

_OPTIONS = {slots.FULLY_CONNECTED: 8, slots.SOFTMAX: 9}


def with_head(backbone: Path, head: Head, metadata: ModelMetadata, prototypes: Prototypes | None = None) -> bytes:
    """Returns a backbone with a head, TFLite Metadata and associated files, sealed; see FORMATS.md.

    The head of an int8 backbone is float32, too. With int8, scores would have only 256 values, and ties.

    Args:
        backbone: The bundle's `backbone.tflite`, whose only output is float32 `(N, D)`.
        head: Weights `(D, C)` and biases `(C,)`.
        metadata: For the files `retrainer.json` and `labels.txt`.
        prototypes: For the file `prototypes.npy`, float16 `(M, P)`; None if there are none.
    """
    try:
        content = backbone.read_bytes()
        front = _Front(content, head).packed(metadata)
    except (struct.error, IndexError, ValueError) as error:
        raise damaged(backbone, "expected a TFLite model") from error
    files = {LABELS_FILE: "\n".join(metadata.labels).encode("utf-8"), METADATA_FILE: metadata.to_bytes()}
    if prototypes is not None:
        files[PROTOTYPES_FILE] = to_npy(prototypes)
    return with_associated_files((front, content), files)


class _Front:
    """The tables that make a model of a backbone, in whose front they stand.

    Args:
        backbone: The content of its `.tflite`.
        head: The head.
    """

    def __init__(self, backbone: bytes, head: Head) -> None:
        self._head, self._backbone, self._writer = head, TableReader(backbone), TableWriter()
        self._model = self._backbone.root
        self._kinds = self._backbone.operator_kinds()
        self._codes, self._buffers = self._own(self._model, slots.OPERATOR_CODES), self._own(self._model, slots.BUFFERS)

    def packed(self, metadata: ModelMetadata) -> bytes:
        """The tables as the beginning of a flatbuffer."""
        first, *others = self._backbone.tables(self._model, slots.SUBGRAPHS)
        graphs = [self._with_layers(first, metadata.output_node), *map(self._offset, others)]
        entries = self._with_entry(packed_metadata(metadata))
        fields = {
            slots.OPERATOR_CODES: self._writer.offsets(self._codes),
            slots.SUBGRAPHS: self._writer.offsets(graphs),
            slots.BUFFERS: self._writer.offsets(self._buffers),
            slots.METADATA: self._writer.offsets(entries),
        }
        kept = (slots.DESCRIPTION, slots.METADATA_BUFFER, slots.EXTERNAL_BUFFER_GROUPS, slots.EXTERNAL_BUFFERS)
        version = self._backbone.number(self._model, slots.MODEL_VERSION, "I")
        root = self._writer.table(offsets=fields | self._kept(self._model, kept), uints={slots.MODEL_VERSION: version})
        return self._writer.finished(root, MODEL_IDENTIFIER)

    def _with_layers(self, graph: int, output: str) -> int:
        """Writes a graph with the layers of the head behind its only output."""
        classes, tensors = self._head.weights.shape[1], self._own(graph, slots.TENSORS)
        (features,) = self._backbone.numbers(graph, slots.OUTPUTS)
        if features >= len(tensors):
            raise ValueError("expected an output among the tensors")
        weights, biases, logits, scores = range(len(tensors), len(tensors) + 4)
        tensors += [
            self._constant("final_weights", np.ascontiguousarray(self._head.weights.T)),
            self._constant("final_biases", self._head.biases),
            self._tensor("final_logits", (1, classes), {slots.SHAPE_SIGNATURE: self._writer.integers((-1, classes))}),
            self._tensor(output, (1, classes), {slots.SHAPE_SIGNATURE: self._writer.integers((-1, classes))}),
        ]
        operators = [
            *self._own(graph, slots.OPERATORS),
            self._operator(slots.FULLY_CONNECTED, (features, weights, biases), logits, self._writer.table()),
            self._operator(slots.SOFTMAX, (logits,), scores, self._writer.table(floats={0: 1.0})),
        ]
        fields = {
            slots.TENSORS: self._writer.offsets(tensors),
            slots.OUTPUTS: self._writer.integers((scores,)),
            slots.OPERATORS: self._writer.offsets(operators),
        }
        return self._writer.table(offsets=fields | self._kept(graph, (slots.INPUTS, slots.SUBGRAPH_NAME)))

    def _tensor(self, name: str, shape: tuple[int, ...], more: Mapping[int, int], buffer: int = 0) -> int:
        """Writes a float32 tensor."""
        fields = {slots.SHAPE: self._writer.integers(shape), slots.TENSOR_NAME: self._writer.string(name), **more}
        return self._writer.table(offsets=fields, uints={slots.TENSOR_BUFFER: buffer}, bytes_={slots.HAS_RANK: 1})

    def _constant(self, name: str, value: Floats) -> int:
        return self._tensor(name, value.shape, {}, self._buffer(value.tobytes()))

    def _buffer(self, content: bytes) -> int:
        """Writes a buffer and returns its number."""
        self._buffers.append(self._writer.table(offsets={slots.BUFFER_DATA: self._writer.content(content)}))
        return len(self._buffers) - 1

    def _operator(self, kind: int, inputs: tuple[int, ...], output: int, options: int) -> int:
        fields = {
            slots.OPERATOR_INPUTS: self._writer.integers(inputs),
            slots.OPERATOR_OUTPUTS: self._writer.integers((output,)),
            slots.OPTIONS: options,
        }
        code = {slots.OPCODE_INDEX: self._code(kind)}
        return self._writer.table(offsets=fields, uints=code, bytes_={slots.OPTIONS_TYPE: _OPTIONS[kind]})

    def _code(self, kind: int) -> int:
        """The number of a kind of operators in the table of operator codes, to which it is added if it is absent."""
        if kind not in self._kinds:
            self._kinds.append(kind)
            numbers = {slots.OPERATOR_VERSION: 1, slots.BUILTIN_CODE: kind}
            self._codes.append(self._writer.table(uints=numbers, bytes_={slots.DEPRECATED_BUILTIN_CODE: kind}))
        return self._kinds.index(kind)

    def _with_entry(self, content: bytes) -> list[int]:
        """The metadata of the backbone, with TFLite Metadata of this content instead of its own."""
        own = self._backbone.tables(self._model, slots.METADATA)
        others = [t for t in own if self._backbone.bytes_in(t, slots.METADATA_NAME) != METADATA_BUFFER.encode()]
        name, number = self._writer.string(METADATA_BUFFER), self._buffer(content)
        entry = self._writer.table(offsets={slots.METADATA_NAME: name}, uints={slots.METADATA_NUMBER: number})
        return [*map(self._offset, others), entry]

    def _own(self, table: int, slot: int) -> list[int]:
        """The offsets of the tables in a list of the backbone."""
        return [self._offset(one) for one in self._backbone.tables(table, slot)]

    def _kept(self, table: int, which: tuple[int, ...]) -> dict[int, int]:
        """Slot -> offset of what a table of the backbone has there."""
        targets = {slot: self._backbone.target(table, slot) for slot in which}
        return {slot: self._offset(target) for slot, target in targets.items() if target}

    @staticmethod
    def _offset(position: int) -> int:
        """The offset of a table of the backbone."""
        return -position


def head_of(model: bytes) -> Head:
    """The head of a retrained model.

    Raises:
        ModelError: it has no head of retrainer.
    """
    reader = TableReader(model)
    try:
        _, *constants = reader.numbers(reader.head(), slots.OPERATOR_INPUTS)
        weights, biases = (_numbers_of(reader, number) for number in constants)
        return Head(np.ascontiguousarray(weights.reshape(len(biases), -1).T), biases)
    except (struct.error, IndexError, ValueError) as error:
        raise ModelError("The model has no head: expected one that retrainer wrote.") from error


def _numbers_of(reader: TableReader, tensor: int) -> npt.NDArray[np.float32]:
    """The content of a constant float32 tensor of the first graph."""
    graph = reader.tables(reader.root, slots.SUBGRAPHS)[0]
    buffer = reader.number(reader.tables(graph, slots.TENSORS)[tensor], slots.TENSOR_BUFFER, "I")
    return np.frombuffer(reader.bytes_in(reader.tables(reader.root, slots.BUFFERS)[buffer], 0), np.float32)


def with_associated_files(model: Sequence[bytes], files: Mapping[str, bytes]) -> bytes:
    """Returns a model, given in parts, followed by an archive of files, without compression or times, and sealed."""
    with _Behind(sum(map(len, model))) as content:
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for name, file in files.items():
                archive.writestr(zipfile.ZipInfo(name), file)
            archive.comment = UNSEALED
        return sealed(*model, content.getvalue())


class _Behind(io.BytesIO):
    """The end of a file: its positions are those of the whole file, of which `start` bytes stand before it."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def tell(self) -> int:
        return super().tell() + self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return super().seek(offset - self._start if whence == io.SEEK_SET else offset, whence) + self._start
