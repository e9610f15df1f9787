"""Reads two facts from a network's graph: which tensor is the feature vector, and the range of its pictures."""

from difflib import get_close_matches
from typing import Any

from retrainer.backbones.converting.hints import LOGITS, Hints, did_you_mean, no_logits
from retrainer.backbones.converting.open_network import OpenNetwork
from retrainer.backbones.converting.pixel_range import PixelRange
from retrainer.errors import OptionError
from retrainer.models.graph.first_steps import first_steps
from retrainer.models.ranges import range_of
from retrainer.text import shown

_PASSING = frozenset(
    {"Identity", "IdentityN", "LogSoftmax", "Reshape", "Sigmoid", "Softmax", "Squeeze", "StopGradient"}
)
_ADDITIONS = frozenset({"Add", "AddV2", "BiasAdd"})


def feature_tensor(graph: Any, network: OpenNetwork, subject: str, layer: str) -> Any:
    """Returns the tensor of the features.

    A classifier ends with scores, so its features are the input of its last layer. The features of any other network
    are its output.

    Args:
        graph: The network's `tf.Graph`, with shapes.
        network: The network.
        subject: The network's name in messages.
        layer: `--bottleneck_layer`: empty, `logits`, or a node's name.

    Raises:
        OptionError: there is no such layer.
    """
    end = graph.get_tensor_by_name(f"{network.output_node}:0")
    if network.user_named:
        return end
    last = _last_layer(end)
    if layer == LOGITS:
        if last is None:
            raise no_logits(subject)
        return last[1]
    if layer:
        names = [operation.name for operation in graph.get_operations()]
        found = [name for name in names if name == layer or name.endswith(f"/{layer}")]
        if len(found) != 1:
            close = found[:3] or get_close_matches(layer, [LOGITS, *names], n=3, cutoff=0.5)
            raise OptionError(
                f"--bottleneck_layer: expected one node '{shown(layer)}' in '{shown(subject)}', "
                f"found {len(found) or 'none'} among {len(names)}.",
                did_you_mean(close),
            )
        return graph.get_tensor_by_name(f"{found[0]}:0")
    return end if last is None else last[0]


def _last_layer(end: Any) -> tuple[Any, Any] | None:
    """The input and the output of a classifier's last layer; None if the network is no classifier."""
    tensor = _before_passing(end)
    logits = tensor
    if tensor.op.type in _ADDITIONS and _is_constant(tensor.op.inputs[1]):
        tensor = _before_passing(tensor.op.inputs[0])
    operation = tensor.op
    if operation.type not in ("MatMul", "Conv2D") or not _is_constant(operation.inputs[1]):
        return None
    layer_input = operation.inputs[0]
    if operation.type == "Conv2D" and tuple(layer_input.shape[1:3]) != (1, 1):
        return None
    return layer_input, logits


def _before_passing(tensor: Any) -> Any:
    while tensor.op.type in _PASSING:
        tensor = tensor.op.inputs[0]
    return tensor


def _is_constant(tensor: Any) -> bool:
    """Whether a tensor depends on constants alone; weights may be reshaped before they are used."""
    waiting, seen = [tensor.op], set()
    while waiting:
        operation = waiting.pop()
        if operation.type == "Const" or operation.name in seen:
            continue
        if not operation.inputs:
            return False
        seen.add(operation.name)
        waiting += [operand.op for operand in operation.inputs]
    return True


def pixel_range(network: OpenNetwork, hints: Hints) -> PixelRange:
    """Returns the range of a network's own input.

    The user's hints come first, then the network's first steps: a network that divides by 127.5 takes 0 to 255, and one
    that doubles takes 0 to 1. If there are no such steps, the usual range of its kind is assumed.

    Args:
        network: The network.
        hints: What the user says about it.
    """
    steps = list(first_steps(network.graph, network.input_node))
    return hints.pixel_range(range_of(steps, network.usual_range), stated=bool(steps) or network.states_range)
