"""Keras models: a `.keras` file or a network of `keras.applications`, opened on TensorFlow."""

from functools import partial
from pathlib import Path
from typing import Any

from retrainer.backbones.architectures import KerasApplication
from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.converting.open_network import USUAL_SIZE, OpenNetwork, traced
from retrainer.errors import BackboneError
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.ranges import SYMMETRIC_RANGE
from retrainer.text import shown


def import_keras() -> Any:
    """Imports Keras on TensorFlow.

    Raises:
        BackboneError: this process has imported Keras on another framework.
    """
    import_tensorflow()
    import keras

    if keras.config.backend() != "tensorflow":
        raise BackboneError(
            f"Keras runs on {keras.config.backend()} in this process; expected tensorflow.",
            "Set KERAS_BACKEND=tensorflow before Keras is imported.",
        )
    return keras


def load_keras(path: Path) -> Any:
    """Loads a `.keras` model in safe mode: layers with code of their own are refused."""
    return import_keras().saving.load_model(path, compile=False, safe_mode=True)


def keras_application(application: KerasApplication, size: int, weights: str | None) -> Any:
    """Builds a network of `keras.applications`, by default without its top; `weights=None` makes random weights."""
    build = getattr(import_keras().applications, application.name)
    arguments = {"include_top": False, "pooling": "avg", "weights": weights, **application.arguments}
    return build(input_shape=(size, size, 3), **arguments)


def open_keras(model: Any, subject: str, hints: Hints) -> OpenNetwork:
    """Opens a Keras model with one picture as input; the hint `bottleneck_layer` may name one of its layers.

    Args:
        model: The Keras model.
        subject: The network's name in messages.
        hints: What the user says about it.

    Raises:
        BackboneError: it has another input, or several outputs.
    """
    user_named = hints.bottleneck_layer in {layer.name for layer in model.layers}
    if user_named:
        model = import_keras().Model(model.inputs, model.get_layer(hints.bottleneck_layer).output)
    inputs, outputs = list(model.inputs), list(model.outputs)
    shape = tuple(inputs[0].shape)
    if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise BackboneError(
            f"'{shown(subject)}': expected one input (N, S, S, 3) and one output, "
            f"received {[tuple(i.shape) for i in inputs]} and {len(outputs)} outputs.",
            "Name the layer of the features by --bottleneck_layer.",
        )
    size = int(shape[1] or hints.input_size or USUAL_SIZE)
    return traced(partial(model, training=False), size, SYMMETRIC_RANGE, user_named=user_named)
