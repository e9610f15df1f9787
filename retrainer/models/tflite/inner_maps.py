"""Runs a `.tflite` up to tensors inside it, such as the map before the pooling."""

from collections.abc import Sequence
from struct import error as damaged
from struct import pack
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.models.tflite.litert import opened, require_bounded, result_of
from retrainer.models.tflite.table_reader import OUTPUTS, SUBGRAPHS, TENSOR_NAME, TENSORS, TableReader
from retrainer.system.process import native_stderr_hidden
from retrainer.text import shown


class InnerMaps:
    """A network whose inner tensors are its outputs; for one thread at a time.

    Args:
        model: The content of a `.tflite`.
        tensors: The names of the tensors.
        named: The model's name in messages.

    Raises:
        ModelError: it cannot be opened, or it has no such tensors.
    """

    def __init__(self, model: bytes, tensors: Sequence[str], named: str) -> None:
        self._subject = f"'{shown(named)}'"
        try:
            content = _with_outputs(model, tensors)
        except (damaged, ValueError, IndexError) as error:
            raise ModelError(f"{self._subject}: expected the tensors {', '.join(map(shown, tensors))}.") from error
        self._interpreter = opened(content, self._subject)
        require_bounded(self._interpreter, self._subject)
        with native_stderr_hidden():
            result_of(self._interpreter.allocate_tensors, self._subject)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = self._interpreter.get_output_details()

    def maps(self, picture: Floats) -> list[Floats]:
        """Runs one picture `(S, S, 3)` and returns each tensor, float32 `(h, w, depth)`, also if it is int8 inside.

        Raises:
            ModelError: LiteRT cannot run it.
        """
        return result_of(lambda: self._maps(picture), self._subject)

    def _maps(self, picture: Floats) -> list[Floats]:
        self._interpreter.set_tensor(self._input, picture[np.newaxis])
        self._interpreter.invoke()
        return [_floats(self._interpreter.get_tensor(one["index"])[0], one) for one in self._outputs]


def _floats(values: Any, details: Any) -> Floats:
    """The numbers that a tensor stands for."""
    floats: Floats = values.astype(np.float32)
    quantized = details["quantization_parameters"]
    if len(quantized["scales"]):
        floats = (floats - np.float32(quantized["zero_points"][0])) * np.float32(quantized["scales"][0])
    return floats


def _with_outputs(model: bytes, tensors: Sequence[str]) -> bytes:
    """A model with some of its tensors as its only outputs.

    In a flatbuffer an offset is a number of bytes forward, so that the new list of outputs can stand at the end.
    """
    content = TableReader(model)
    graph = content.tables(content.root, SUBGRAPHS)[0]
    names = [content.bytes_in(tensor, TENSOR_NAME).decode() for tensor in content.tables(graph, TENSORS)]
    outputs = [names.index(name) for name in tensors]
    field, end = content.field(graph, OUTPUTS), -(-len(model) // 4) * 4
    added = pack(f"<{1 + len(outputs)}I", len(outputs), *outputs)
    return b"".join([model[:field], pack("<I", end - field), model[field + 4 :], bytes(end - len(model)), added])
