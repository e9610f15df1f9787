"""A network from wherever it comes, opened by TensorFlow: its frozen graph, and what runs it as it came."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.backbones.architectures import KerasApplication
from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.converting.saved_models import require_harmless_saved_model
from retrainer.backbones.fetching.archives import require_safe_keras
from retrainer.backbones.network_files import GRAPH_ENDING, KERAS_ENDING
from retrainer.errors import BackboneError, OptionError
from retrainer.models.graph.graphdef import read_graph
from retrainer.models.graph.inference import PLACEHOLDERS, infer
from retrainer.models.graph.operations import require_harmless
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow
from retrainer.models.metadata import USUAL_MEAN, USUAL_STD
from retrainer.models.ranges import SYMMETRIC_RANGE, UNIT_RANGE
from retrainer.system.files import shown

# What a network takes that does not say.
USUAL_SIZE = 224
_HUB_V1_MARK = "tfhub_module.pb"
_SIGNATURES = ("serving_default", "default", "image_feature_vector")
_FEATURES = ("default", "feature_vector")

Arrays = npt.NDArray[Any]


@dataclass(frozen=True)
class OpenNetwork:
    """A network with one picture as input.

    Attributes:
        graph: TensorFlow's frozen GraphDef.
        input_node, output_node: Names of its nodes, without `:0`.
        input_size: S, pixels.
        usual_range: Mean and std of what such networks expect, where the graph does not show it.
        run: Pictures `(N, S, S, 3)` in the network's own range -> what `output_node` gives, computed by the network as
            it came.
        chosen: Whether the user named `output_node`.
        tells_range: Whether it tells `usual_range`, as a network of bytes does.
    """

    graph: Any
    input_node: str
    output_node: str
    input_size: int
    usual_range: tuple[float, float]
    run: Callable[[Arrays], Arrays]
    chosen: bool
    tells_range: bool = False


def open_network(path: Path, source: str, hints: Hints, *, trusted: bool = False) -> OpenNetwork:
    """Opens a SavedModel's folder (TF2's or a TF1 module of TF-Hub), a `.keras` file or a frozen graph.

    Opening a SavedModel or a `.keras` file runs what it holds: they are programs. A graph is looked at first, and a
    `.keras` file must hold no code of its own.

    Args:
        path: Where it lies.
        source: What the user calls it, for messages.
        hints: What the user says of it.
        trusted: Whether its graph may do whatever TensorFlow can.

    Raises:
        BackboneError: it is no network of pictures, or not to be understood.
        ModelError: its graph does what no network of pictures needs.
        DownloadError: a `.keras` file holds what does not belong there.
    """
    if path.suffix == KERAS_ENDING:
        require_safe_keras(path)
        return open_keras(load_keras(path), source, hints)
    if path.suffix == GRAPH_ENDING:
        definition = read_graph(path)
        if not trusted:
            require_harmless(definition, source)
        return _open_graph(definition, source, hints)
    import_tensorflow()
    if not trusted:
        require_harmless_saved_model(path, source)
    if (path / _HUB_V1_MARK).is_file():
        return _open_v1(path, source, hints)
    return _open_saved_model(path, source, hints)


def _open_saved_model(folder: Path, source: str, hints: Hints) -> OpenNetwork:
    import_tensorflow()
    import tensorflow_hub

    module = tensorflow_hub.load(str(folder))
    signatures = dict(getattr(module, "signatures", {}))
    if not signatures and callable(module):  # as TF-Hub's modules of TF2 are called
        return _traced(module, hints.input_size or USUAL_SIZE, UNIT_RANGE, chosen=False)
    candidates = {name: signatures[name].structured_input_signature[1] for name in _SIGNATURES if name in signatures}
    name, key = _picture_of(candidates, source, hints)
    output = _output_of(list(signatures[name].structured_outputs), source, hints)
    size = int(candidates[name][key].shape[1] or hints.input_size or USUAL_SIZE)
    return _traced(
        # The module owns the variables, and lives as long as this refers to it.
        lambda picture: module.signatures[name](**{key: picture})[output],
        size,
        UNIT_RANGE,
        chosen=output == hints.bottleneck_layer,
        dtype=candidates[name][key].dtype,
    )


def _traced(
    function: Callable[[Any], Any], size: int, usual_range: tuple[float, float], *, chosen: bool, dtype: Any = "float32"
) -> OpenNetwork:
    """A function of pictures `(N, size, size, 3)`, traced by TensorFlow and frozen."""
    tensorflow = import_tensorflow()
    specification = tensorflow.TensorSpec((None, size, size, 3), dtype, "picture")
    network = tensorflow.function(
        lambda picture: tensorflow.identity(function(picture), "end"), input_signature=[specification]
    )
    frozen = _frozen(network)
    return OpenNetwork(
        frozen, "picture", "end", size, usual_range, lambda pictures: np.asarray(network(pictures)), chosen
    )


def _open_v1(folder: Path, source: str, hints: Hints) -> OpenNetwork:
    """A module of TF-Hub's first format, by its signature; its variables may be of a kind that TF2 cannot freeze."""
    v1 = import_tensorflow().compat.v1
    graph = import_tensorflow().Graph()
    with graph.as_default():
        session = v1.Session(graph=graph)
        loaded = v1.saved_model.load(session, [], str(folder))
    signatures = {name: loaded.signature_def[name] for name in _SIGNATURES if name in loaded.signature_def}
    tensors = {
        name: {key: graph.get_tensor_by_name(info.name) for key, info in signature.inputs.items()}
        for name, signature in signatures.items()
    }
    name, key = _picture_of(tensors, source, hints)
    picture = tensors[name][key]
    output = _output_of(list(signatures[name].outputs), source, hints)
    end = graph.get_tensor_by_name(signatures[name].outputs[output].name)
    frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [end.op.name])

    def run(pictures: Arrays) -> Arrays:
        return np.asarray(session.run(end, {picture: pictures}))

    size = int(picture.shape[1] or hints.input_size or USUAL_SIZE)
    chosen = output == hints.bottleneck_layer
    return OpenNetwork(frozen, picture.op.name, end.op.name, size, UNIT_RANGE, run, chosen)


def load_keras(path: Path) -> Any:
    """A `.keras` model, loaded in safe mode: layers that hold code of their own are refused."""
    return import_keras().saving.load_model(path, compile=False, safe_mode=True)


def import_keras() -> Any:
    """Keras on TensorFlow.

    Raises:
        BackboneError: this process has Keras already, on something else.
    """
    import_tensorflow()
    import keras

    if keras.config.backend() != "tensorflow":
        raise BackboneError(
            f"Keras runs on {keras.config.backend()} in this process; expected tensorflow.",
            "Set KERAS_BACKEND=tensorflow before Keras is imported.",
        )
    return keras


def keras_application(application: KerasApplication, size: int, weights: str | None) -> Any:
    """A network of `keras.applications`, by default without its top; with random weights where there is no file."""
    maker = getattr(import_keras().applications, application.name)
    given = {"include_top": False, "pooling": "avg", "weights": weights, **application.arguments}
    return maker(input_shape=(size, size, 3), **given)


def open_keras(model: Any, source: str, hints: Hints) -> OpenNetwork:
    """A Keras model with one picture as input; `bottleneck_layer` may name one of its layers."""
    chosen = hints.bottleneck_layer in {layer.name for layer in model.layers}
    if chosen:
        model = import_keras().Model(model.inputs, model.get_layer(hints.bottleneck_layer).output)
    inputs, outputs = list(model.inputs), list(model.outputs)
    shape = tuple(inputs[0].shape)
    if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise BackboneError(
            f"'{shown(source)}': expected one input (N, S, S, 3) and one output, "
            f"received {[tuple(i.shape) for i in inputs]} and {len(outputs)} outputs.",
            "Name the layer of the features by --bottleneck_layer.",
        )
    size = int(shape[1] or hints.input_size or USUAL_SIZE)
    return _traced(partial(model, training=False), size, SYMMETRIC_RANGE, chosen=chosen)


def _open_graph(definition: Any, source: str, hints: Hints) -> OpenNetwork:
    tensorflow = import_tensorflow()
    nodes = {node.name: node for node in definition.node}
    inferred = infer(definition, hints.input_layer)
    if inferred.input_node not in nodes:
        candidates = [name for name, node in nodes.items() if node.op in PLACEHOLDERS][:5]
        raise OptionError(
            f"--input_layer: expected an input of '{shown(source)}', '{shown(inferred.input_node)}' is not among "
            f"its {len(nodes)} nodes.",
            f"Name it by --input_layer; candidates: {', '.join(map(shown, candidates)) or 'none'}.",
        )
    size = inferred.input_size or hints.input_size or USUAL_SIZE
    graph = tensorflow.compat.v1.GraphDef.FromString(definition.SerializeToString())
    chosen = hints.bottleneck_layer in nodes
    end = hints.bottleneck_layer if chosen else inferred.output_node
    if end not in nodes:
        raise BackboneError(
            f"'{shown(source)}': its output cannot be told among its {len(nodes)} nodes.",
            "Name the node of the features by --bottleneck_layer.",
        )
    run = GraphNetwork(graph, source, inferred.input_node, end).run_all
    seen = (inferred.mean, inferred.std)
    usual = SYMMETRIC_RANGE if seen == (USUAL_MEAN, USUAL_STD) else seen
    return OpenNetwork(graph, inferred.input_node, end, size, usual, run, chosen, tells_range=inferred.range_known)


def _frozen(network: Any) -> Any:
    """The GraphDef of a tf.function with an input signature, its variables as constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(network.get_concrete_function()).graph.as_graph_def()


def _picture_of(signatures: Mapping[str, Mapping[str, Any]], source: str, hints: Hints) -> tuple[str, str]:
    """The signature that takes one picture, and its input's name."""
    found = []
    for name, inputs in signatures.items():
        found.append(f"{name}({', '.join(f'{key}: {spec.dtype.name} {spec.shape}' for key, spec in inputs.items())})")
        if len(inputs) != 1:
            continue
        ((key, spec),) = inputs.items()
        if not spec.dtype.is_floating or spec.shape.rank != 4 or spec.shape[3] not in (3, None):
            continue
        if spec.shape[1] == spec.shape[2] and hints.input_layer in ("", key):
            return name, key
    raise BackboneError(
        f"'{shown(source)}': expected a signature that takes one float image (N, S, S, 3), "
        f"received {'; '.join(found) or 'none'}.",
        "Name a SavedModel of a feature vector, as TF-Hub has them.",
    )


def _output_of(outputs: list[str], source: str, hints: Hints) -> str:
    """The name of a signature's features: what the user says, its only output, or the one that is called so."""
    for name in (hints.bottleneck_layer, *_FEATURES, *(outputs if len(outputs) == 1 else ())):
        if name in outputs:
            return str(name)
    raise BackboneError(
        f"'{shown(source)}': expected one output, received {', '.join(map(shown, sorted(outputs)))}.",
        "Name the features among them by --bottleneck_layer.",
    )
