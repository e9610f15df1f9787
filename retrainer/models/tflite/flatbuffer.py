"""Reads and writes TFLite models (`.tflite`) without TensorFlow, by the schema that ai-edge-litert ships."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from retrainer.models.tflite.associated_files import MODEL_IDENTIFIER
from retrainer.models.tflite.limits import require_few

_OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}

# The bytes that everything but the weights takes in most models.
_REST = 2**18


@dataclass
class TFLiteBuilder:
    """Appends tensors and operators to the one subgraph of a TFLite model."""

    model: Any

    @classmethod
    def empty(cls) -> "TFLiteBuilder":
        """Returns a model without tensors. Its buffer 0 is empty, as the format demands."""
        model = schema.ModelT()
        model.version = 3
        model.description = "retrainer"
        model.buffers, model.operatorCodes, model.metadata = [schema.BufferT()], [], []
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators, graph.inputs, graph.outputs = "main", [], [], [], []
        model.subgraphs = [graph]
        return cls(model)

    @classmethod
    def opened(cls, path: Path) -> "TFLiteBuilder":
        """Reads a model, to be extended."""
        return cls.parsed(path.read_bytes())

    @classmethod
    def parsed(cls, content: bytes) -> "TFLiteBuilder":
        """Parses the bytes of a model, to be extended.

        Raises:
            ModelError: they state more than any network has; few bytes may stand for very many tensors.
            Exception: any other kind, since flatbuffers does not check damaged bytes.
        """
        require_few(content)
        return cls(flatbuffer_utils.read_model_from_bytearray(content))

    @property
    def graph(self) -> Any:
        """The model's only subgraph."""
        return self.model.subgraphs[0]

    def add_buffer(self, content: bytes) -> int:
        """Appends a buffer and returns its number."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def add_tensor(self, name: str, shape: Sequence[int]) -> int:
        """Appends a float32 tensor and returns its number; the first side is the batch, of any size."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer, tensor.type = name, list(shape), 0, schema.TensorType.FLOAT32
        tensor.shapeSignature = [-1, *shape[1:]]
        tensor.hasRank = True
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add_constant(self, name: str, value: npt.NDArray[Any]) -> int:
        """Appends a constant tensor, float32 or int32, and returns its number."""
        number = self.add_tensor(name, value.shape)
        tensor = self.graph.tensors[number]
        tensor.shapeSignature = None
        tensor.type = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32}[str(value.dtype)]
        tensor.buffer = self.add_buffer(value.tobytes())
        return number

    def add_operator(self, operator: str, inputs: Sequence[int], outputs: Sequence[int], options: Any) -> None:
        """Appends one built-in operator.

        Args:
            operator: Its name in the schema, such as `CONV_2D`.
            inputs, outputs: Numbers of tensors.
            options: Its options, such as `Conv2DOptionsT()`.
        """
        self.insert_operator(len(self.graph.operators), operator, inputs, outputs, options)

    def insert_operator(
        self, position: int, operator: str, inputs: Sequence[int], outputs: Sequence[int], options: Any
    ) -> None:
        """Inserts one built-in operator at a position. Operators run in their order."""
        node = schema.OperatorT()
        node.opcodeIndex = self._operator_code(getattr(schema.BuiltinOperator, operator))
        node.inputs, node.outputs = list(inputs), list(outputs)
        node.builtinOptions = options
        node.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.graph.operators.insert(position, node)

    def operator_name(self, operator: Any) -> str:
        """The name of an operator's kind in the schema, such as `MEAN`."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return _OPERATOR_NAMES[flatbuffer_utils.get_builtin_code_from_operator_code(code)]

    def _operator_code(self, builtin: int) -> int:
        for number, code in enumerate(self.model.operatorCodes):
            if flatbuffer_utils.get_builtin_code_from_operator_code(code) == builtin:
                return number
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def packed(self) -> bytes:
        """The model as a flatbuffer."""
        # A builder that begins small copies all weights each time it doubles.
        contents = sum(len(buffer.data) for buffer in self.model.buffers if buffer.data is not None)
        builder = flatbuffers.Builder(contents + _REST)
        builder.Finish(self.model.Pack(builder), MODEL_IDENTIFIER)
        return bytes(memoryview(builder.Bytes)[builder.Head() :])
