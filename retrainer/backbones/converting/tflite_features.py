"""Which tensor of a `.tflite` is the feature vector; `feature_layer` has the same rule for TensorFlow's graphs."""

from difflib import get_close_matches
from typing import Any

from retrainer.backbones.converting.hints import LOGITS, Hints, did_you_mean, no_logits
from retrainer.errors import BackboneError, OptionError
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.tensors import text_of
from retrainer.text import shown

# Operators after the last layer that change no order of scores.
_PASSING = frozenset({"RESHAPE", "SQUEEZE", "SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "DEQUANTIZE", "QUANTIZE"})


def feature_tensor_of(builder: TFLiteBuilder, hints: Hints, subject: str) -> int:
    """Returns the number of the tensor of the features.

    Args:
        builder: The network.
        hints: What the user says about it; `bottleneck_layer` may name a tensor.
        subject: The network's name in messages.

    Raises:
        OptionError: there is no such tensor.
        BackboneError: the network has several outputs, and the user named none.
    """
    graph = builder.graph
    if hints.bottleneck_layer not in ("", LOGITS):
        return _named(builder, hints.bottleneck_layer, subject)
    if len(graph.outputs) != 1:
        raise BackboneError(
            f"'{shown(subject)}': expected one output, received {len(graph.outputs)}.",
            "Name the tensor of the features by --bottleneck_layer.",
        )
    maker = {output: operator for operator in graph.operators for output in operator.outputs}
    logits = int(graph.outputs[0])
    while logits in maker and builder.operator_name(maker[logits]) in _PASSING:
        logits = int(maker[logits].inputs[0])
    last = maker.get(logits)
    if last is not None and _is_last_layer(builder, last):
        return logits if hints.bottleneck_layer else int(last.inputs[0])
    if hints.bottleneck_layer:
        raise no_logits(subject)
    return int(graph.outputs[0])


def _is_last_layer(builder: TFLiteBuilder, operator: Any) -> bool:
    """Whether an operator is the last layer of a classifier."""
    kind, options = builder.operator_name(operator), operator.builtinOptions
    if kind not in ("FULLY_CONNECTED", "CONV_2D") or options is None or options.fusedActivationFunction:
        return False
    shape = builder.graph.tensors[operator.inputs[0]].shape
    return kind == "FULLY_CONNECTED" or (int(shape[1]), int(shape[2])) == (1, 1)


def _named(builder: TFLiteBuilder, layer: str, subject: str) -> int:
    """The number of the tensor of a name, or of the end of one; LiteRT joins the names of fused layers by `;`."""
    names = [text_of(tensor.name) for tensor in builder.graph.tensors]
    made = {output for operator in builder.graph.operators for output in operator.outputs}
    for number, name in enumerate(names):
        if number in made and any(own == layer or own.endswith(f"/{layer}") for own in (name, *name.split(";"))):
            return number
    close = get_close_matches(layer, [names[number] for number in made], n=3, cutoff=0.4)
    raise OptionError(
        f"--bottleneck_layer: expected a tensor '{shown(layer)}' in '{shown(subject)}', found none among {len(made)}.",
        did_you_mean(close),
    )
