"""Runs a `.tflite` of another tool by LiteRT: with floats or integers, of a fixed size or any size."""

from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.models.inferred import Inferred
from retrainer.models.tflite.inference import infer
from retrainer.models.tflite.litert import opened, require_bounded, result_of
from retrainer.text import shown

_DTYPES = (np.float32, np.uint8, np.int8)


class ForeignTFLite:
    """A network with one picture as input and one row of scores as output; for one thread at a time.

    It takes and returns float32. If the network has integers, they are quantised and dequantised here.

    Attributes:
        inferred: Facts that the file states or shows.
        input_size: S, pixels; 0 if it takes any size.

    Args:
        content: The bytes of the file.
        path: Its path, for messages.
        trusted: Whether it may have loops and tensors of any size.

    Raises:
        ModelError: it is damaged, or no network of pictures, or may run for ever.
    """

    one_core = True

    def __init__(self, content: bytes, path: str, *, trusted: bool = False) -> None:
        self._subject = f"'{shown(path)}'"
        self._interpreter = opened(content, self._subject)
        if not trusted:
            require_bounded(self._interpreter, self._subject)
        try:
            self.inferred: Inferred = infer(content)
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except Exception as error:  # flatbuffers does not check damaged bytes, so it raises any kind of error
            raise ModelError(
                f"{self._subject} is damaged: expected a TFLite model of pictures.", "Copy it again."
            ) from error
        self._require_picture(inputs, outputs)
        self._input, self._output = inputs[0], outputs[0]
        self._shape = tuple(int(side) for side in inputs[0]["shape"])
        self.input_size = self.inferred.input_size
        self._allocated = False

    def _require_picture(self, inputs: list[Any], outputs: list[Any]) -> None:
        """Raises ModelError unless the network takes one picture and has one output."""
        signature = [int(side) for side in inputs[0]["shape_signature"]] if inputs else []
        square = len(signature) == 4 and signature[1] == signature[2] and signature[3] == 3
        if len(inputs) != 1 or len(outputs) != 1 or not square or inputs[0]["dtype"] not in _DTYPES:
            received = [f"{np.dtype(i['dtype']).name} {tuple(map(int, i['shape_signature']))}" for i in inputs]
            raise ModelError(
                f"{self._subject}: expected one input (1, S, S, 3) of float32, uint8 or int8 and one output, "
                f"received {', '.join(received) or 'none'} and {len(outputs)} outputs.",
                "Take a classifier of pictures.",
            )

    def outputs(self, picture: Floats) -> list[Floats]:
        """Runs one normalised picture `(S, S, 3)` and returns its scores `(C,)`.

        Raises:
            ModelError: LiteRT cannot run it.
        """
        return [result_of(lambda: self._scores(picture[np.newaxis]), self._subject)]

    def _scores(self, pictures: Floats) -> Floats:
        if pictures.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input["index"], pictures.shape)
            self._shape, self._allocated = pictures.shape, False
        if not self._allocated:
            self._interpreter.allocate_tensors()
            self._allocated = True
        self._interpreter.set_tensor(self._input["index"], _quantised(pictures, self._input))
        self._interpreter.invoke()
        return _dequantised(self._interpreter.get_tensor(self._output["index"]), self._output).reshape(-1)


def _quantised(real: Floats, tensor: Any) -> Any:
    """Numbers as a tensor of the network takes them, by its scale and zero point."""
    if tensor["dtype"] is np.float32:
        return real
    scale, zero = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    return np.rint(real / (scale or 1.0) + zero).clip(limits.min, limits.max).astype(tensor["dtype"])


def _dequantised(given: Any, tensor: Any) -> Floats:
    if tensor["dtype"] is np.float32:
        return np.asarray(given, np.float32)
    scale, zero = tensor["quantization"]
    real: Floats = ((given.astype(np.float32) - zero) * (scale or 1.0)).astype(np.float32)
    return real
