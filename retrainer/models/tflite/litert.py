"""LiteRT runs every backbone and every retrained model on the CPU."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError, ResourceError
from retrainer.network_input import LARGEST_SIDE
from retrainer.system.files import shown
from retrainer.system.memory import has_room, is_shortage, shortage
from retrainer.system.process import native_stderr_hidden
from retrainer.system.trust import TRUST_HINT
from retrainer.text import reason_of

Result = TypeVar("Result")

# 2 GiB of float32; a picture of the largest side has 50 million numbers.
MOST_NUMBERS = 2**29
# Operators that run other parts of a model, and may do so for ever.
CALLING = frozenset({"WHILE", "IF", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_COMPOSITE", "STABLEHLO_CASE"})
# Hardly a model takes less memory to run than this, in bytes.
_ROOM = 2**26


class Network:
    """One network with one float32 input `(1, S, S, 3)` and outputs `(1, D)`; for one thread at a time.

    Args:
        model: A `.tflite` file, or its content.
        outputs: How many it must have.
        named: What messages call it, if its content is given.

    Raises:
        ModelError: LiteRT cannot open it, or it has other inputs or outputs.
    """

    one_core, inferred = True, None

    def __init__(self, model: str | Path | bytes, outputs: int = 1, named: str = "") -> None:
        path = named if isinstance(model, bytes) else model
        name = f"'{shown(path)}'" if path else "the model"
        try:
            # The content rather than the path: the file may be replaced while the network is in use.
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
        except OSError as error:
            raise _not_opened(name, error) from error
        self._interpreter = opened(content, name)
        require_bounded(self._interpreter, name)
        try:
            with native_stderr_hidden():
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _not_opened(name, error) from error
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
        return result_of(lambda: self._outputs_of(picture), self._name)

    def _outputs_of(self, picture: Floats) -> list[Floats]:
        self._interpreter.set_tensor(self._input, picture[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output)[0] for output in self._outputs]


def opened(content: bytes, name: str) -> Any:
    """LiteRT's interpreter of a model, which has taken no memory for tensors yet.

    Args:
        content: A `.tflite`'s.
        name: What messages call it.

    Raises:
        ModelError: it is no whole model.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        with native_stderr_hidden():
            return Interpreter(model_content=content, num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise _not_opened(name, error) from error


def require_bounded(interpreter: Any, name: str) -> None:
    """Raises ModelError of a model that may run for ever, or whose tensors are larger than any network needs.

    Args:
        interpreter: By `opened`; LiteRT takes memory only afterwards.
        name: What messages call it.
    """
    for tensor in interpreter.get_tensor_details():
        shape = [int(side) for side in tensor["shape"]]
        if math.prod(shape) > MOST_NUMBERS or any(side < 0 for side in shape):
            raise ModelError(
                f"{name}: expected tensors of at most {MOST_NUMBERS:,} numbers, "
                f"received one of the shape {tuple(shape)}."
            )
    for details in interpreter.get_input_details():
        shape = [int(side) for side in details["shape"]]
        if any(side > LARGEST_SIDE for side in shape[1:]):
            raise ModelError(
                f"{name}: expected an input of at most {LARGEST_SIDE:,} pixels a side, received {tuple(shape)}."
            )
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in CALLING:
            raise ModelError(
                f"{name}: expected operations that a network of pictures needs, received '{operator['op_name']}'.",
                TRUST_HINT,
            )


def result_of(work: Callable[[], Result], name: str) -> Result:
    """What LiteRT gives; ModelError of its reason if it gives nothing."""
    try:
        return work()
    except (ValueError, RuntimeError, IndexError) as error:
        raise ModelError(f"{name} cannot be run by LiteRT: {shown(reason_of(error))}.") from error


def _not_opened(name: str, error: Exception) -> ModelError | ResourceError:
    """Why a model cannot be opened; LiteRT does not say when it lacked memory."""
    if is_shortage(error) or not has_room(_ROOM):
        return shortage("to open a model")
    return ModelError(
        f"{name} cannot be opened by LiteRT: expected a TFLite model, received a damaged file.",
        "Retrain it, or copy it again.",
    )


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
