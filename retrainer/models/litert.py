"""LiteRT runs every backbone and every retrained model on the CPU."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.files import shown
from retrainer.native import native_stderr_hidden


class Network:
    """One network with one float32 input `(1, S, S, 3)` and outputs `(1, D)`; for one thread at a time.

    Args:
        model: A `.tflite` file, or its content.
        outputs: How many it must have.
        named: What messages call it, where its content is given.

    Raises:
        ModelError: LiteRT cannot open it, or it has other inputs or outputs.
    """

    def __init__(self, model: str | Path | bytes, outputs: int = 1, named: str = "") -> None:
        from ai_edge_litert.interpreter import Interpreter

        path = named if isinstance(model, bytes) else model
        name = f"'{shown(path)}'" if path else "the model"
        try:
            # The content rather than the path: the file may be replaced while the network is in use.
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
            with native_stderr_hidden():
                self._interpreter = Interpreter(model_content=content, num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise ModelError(
                f"{name} cannot be opened by LiteRT: expected a TFLite model, received a damaged file.",
                "Retrain it, or copy it again.",
            ) from error
        inputs, given = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = inputs[0]["shape"]
        square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
        fits = len(inputs) == 1 and len(given) == outputs and square
        if not fits or inputs[0]["dtype"] is not np.float32:
            raise ModelError(
                f"{name}: expected one float32 input (1, S, S, 3) and outputs: {outputs}, "
                f"received {[tuple(map(int, i['shape'])) for i in inputs]} and outputs: {len(given)}."
            )
        self._name = name
        self._input, self._outputs = inputs[0]["index"], [output["index"] for output in given]
        self.input_size = int(shape[1])
        self.output_size = int(given[0]["shape"][-1])

    def run(self, picture: Floats) -> Floats:
        """Runs one picture `(S, S, 3)` and returns the first output `(D,)`."""
        return self.outputs(picture)[0]

    def outputs(self, picture: Floats) -> list[Floats]:
        """Runs one picture `(S, S, 3)` and returns each output `(D,)`.

        Raises:
            ModelError: LiteRT cannot run it.
        """
        try:
            self._interpreter.set_tensor(self._input, picture[np.newaxis])
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(output)[0] for output in self._outputs]
        except (ValueError, RuntimeError, IndexError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ModelError(f"{self._name} cannot be run by LiteRT: {shown(reason)}.") from error


def tensors_of(model: bytes, picture: Any) -> Iterator[tuple[int, str, Floats]]:
    """What each operator of a model gives for one picture: number, name and content of its outputs, as they run.

    Args:
        model: A `.tflite`'s content.
        picture: `(S, S, 3)`, of the type of the model's only input.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with native_stderr_hidden():
        interpreter = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            # A delegate would keep what is inside to itself.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[np.newaxis])
        interpreter.invoke()
    names = {tensor["index"]: str(tensor["name"]) for tensor in interpreter.get_tensor_details()}
    for operator in interpreter._get_ops_details():
        for output in operator["outputs"]:
            yield int(output), names[output], interpreter.get_tensor(output)
