"""Runs backbones and retrained models on the CPU by LiteRT."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError, ResourceError
from retrainer.network_input import LARGEST_SIDE
from retrainer.system.memory import has_room, is_shortage, shortage
from retrainer.system.process import native_stderr_hidden
from retrainer.system.trust import TRUST_HINT
from retrainer.text import reason_of, shown

Result = TypeVar("Result")

# 2 GiB of float32. A picture with the largest side has 50 million numbers.
MOST_NUMBERS = 2**29
# Operators that run other graphs of a model, perhaps for ever.
CALLING = frozenset({"WHILE", "IF", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_COMPOSITE", "STABLEHLO_CASE"})
# Bytes of memory that almost every model needs.
_ROOM = 2**26


class Network:
    """A network with one float32 input `(1, S, S, 3)` and outputs `(1, D)`; for one thread at a time.

    Args:
        model: The path or the content of a `.tflite`.
        outputs: The number of outputs that it must have.
        named: The name of a content in messages.

    Raises:
        ModelError: LiteRT cannot open it, or it has other inputs or outputs.
    """

    one_core, inferred = True, None

    def __init__(self, model: str | Path | bytes, outputs: int = 1, named: str = "") -> None:
        path = named if isinstance(model, bytes) else model
        subject = f"'{shown(path)}'" if path else "the model"
        try:
            # LiteRT gets the content, since the file may be replaced while the network is in use.
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
        except OSError as error:
            raise _not_opened(subject, error) from error
        self._interpreter = opened(content, subject)
        require_bounded(self._interpreter, subject)
        try:
            with native_stderr_hidden():
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _not_opened(subject, error) from error
        inputs, given = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = inputs[0]["shape"]
        square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
        fits = len(inputs) == 1 and len(given) == outputs and square
        if not fits or inputs[0]["dtype"] is not np.float32:
            raise ModelError(
                f"{subject}: expected one float32 input (1, S, S, 3) and outputs: {outputs}, "
                f"received {[tuple(map(int, i['shape'])) for i in inputs]} and outputs: {len(given)}."
            )
        self._subject = subject
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
        return result_of(lambda: self._outputs_of(picture), self._subject)

    def _outputs_of(self, picture: Floats) -> list[Floats]:
        self._interpreter.set_tensor(self._input, picture[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output)[0] for output in self._outputs]


def opened(content: bytes, subject: str) -> Any:
    """Opens a model by LiteRT, which allocates no tensors yet.

    Args:
        content: The content of a `.tflite`.
        subject: The name of the model in messages.

    Raises:
        ModelError: it is damaged or no model.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        with native_stderr_hidden():
            return Interpreter(model_content=content, num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise _not_opened(subject, error) from error


def require_bounded(interpreter: Any, subject: str) -> None:
    """Raises ModelError if a model may run for ever, or if its tensors are larger than any network needs.

    Args:
        interpreter: What `opened` returned. LiteRT allocates tensors only later.
        subject: The name of the model in messages.
    """
    try:
        tensors, inputs = interpreter.get_tensor_details(), interpreter.get_input_details()
        operators = interpreter._get_ops_details()
    except UnicodeDecodeError as error:  # LiteRT does not check names
        raise _not_opened(subject, error) from error
    for tensor in tensors:
        shape = [int(side) for side in tensor["shape"]]
        if math.prod(shape) > MOST_NUMBERS or any(side < 0 for side in shape):
            raise ModelError(
                f"{subject}: expected tensors of at most {MOST_NUMBERS:,} numbers, "
                f"received one of the shape {tuple(shape)}."
            )
    for details in inputs:
        shape = [int(side) for side in details["shape"]]
        if any(side > LARGEST_SIDE for side in shape[1:]):
            raise ModelError(
                f"{subject}: expected an input of at most {LARGEST_SIDE:,} pixels a side, received {tuple(shape)}."
            )
    for operator in operators:
        if operator["op_name"] in CALLING:
            raise ModelError(
                f"{subject}: expected operations that a network of pictures needs, received '{operator['op_name']}'.",
                TRUST_HINT,
            )


def result_of(work: Callable[[], Result], subject: str) -> Result:
    """Returns the result of work by LiteRT; raises ModelError with its reason if it fails."""
    try:
        return work()
    except (ValueError, RuntimeError, IndexError) as error:
        raise ModelError(f"{subject} cannot be run by LiteRT: {shown(reason_of(error))}.") from error


def _not_opened(subject: str, error: Exception) -> ModelError | ResourceError:
    """The error of a model that cannot be opened. LiteRT does not say if it lacked memory."""
    if is_shortage(error) or not has_room(_ROOM):
        return shortage("to open a model")
    return ModelError(
        f"{subject} cannot be opened by LiteRT: expected a TFLite model, received a damaged file.",
        "Retrain it, or copy it again.",
    )


def tensors_of(model: bytes, picture: Any) -> Iterator[tuple[int, str, Floats]]:
    """Runs a model on one picture and yields each operator's outputs in their order: number, name and content.

    Args:
        model: The content of a `.tflite`.
        picture: `(S, S, 3)`, of the type of the only input.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with native_stderr_hidden():
        interpreter = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            # A delegate would hide the tensors inside it.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[np.newaxis])
        interpreter.invoke()
    names = {tensor["index"]: str(tensor["name"]) for tensor in interpreter.get_tensor_details()}
    for operator in interpreter._get_ops_details():
        for output in operator["outputs"]:
            yield int(output), names[output], interpreter.get_tensor(output)
