"""A SavedModel, a module of TF-Hub, a `.keras` file or a frozen graph, opened by TensorFlow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.converting.keras_networks import load_keras, open_keras
from retrainer.backbones.converting.open_network import USUAL_SIZE, Arrays, OpenNetwork, traced
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
from retrainer.system.missing import require_package
from retrainer.text import shown

# A module of TF-Hub's first format holds this file.
_HUB_V1_MARK = "tfhub_module.pb"
# Names of signatures that take a picture, and of outputs that are features; the first that is there is used.
_SIGNATURES = ("serving_default", "default", "image_feature_vector")
_FEATURES = ("default", "feature_vector")


def open_network(path: Path, subject: str, hints: Hints, *, trusted: bool = False) -> OpenNetwork:
    """Opens a SavedModel's folder (TF2's or a TF1 module of TF-Hub), a `.keras` file or a frozen graph.

    To open a SavedModel or a `.keras` file is to run a program. So the operations of a graph are checked first, and a
    `.keras` file must hold no code.

    Args:
        path: The folder or file.
        subject: The network's name in messages.
        hints: What the user says about it.
        trusted: Whether its graph may hold any operation of TensorFlow.

    Raises:
        BackboneError: it is no network of pictures, or its input or output cannot be found.
        ModelError: its graph holds an operation that no network of pictures needs.
        DownloadError: a `.keras` file holds a file that does not belong there.
    """
    if path.suffix == KERAS_ENDING:
        require_safe_keras(path)
        return open_keras(load_keras(path), subject, hints)
    if path.suffix == GRAPH_ENDING:
        definition = read_graph(path)
        if not trusted:
            require_harmless(definition, subject)
        return _open_graph(definition, subject, hints)
    import_tensorflow()
    if not trusted:
        require_harmless_saved_model(path, subject)
    if (path / _HUB_V1_MARK).is_file():
        return _open_v1(path, subject, hints)
    return _open_saved_model(path, subject, hints)


def _open_saved_model(folder: Path, subject: str, hints: Hints) -> OpenNetwork:
    import_tensorflow()
    require_package("tensorflow_hub")
    import tensorflow_hub

    module = tensorflow_hub.load(str(folder))
    signatures = dict(getattr(module, "signatures", {}))
    if not signatures and callable(module):  # a module of TF2 from TF-Hub
        return traced(module, hints.input_size or USUAL_SIZE, UNIT_RANGE, user_named=False)
    candidates = {name: signatures[name].structured_input_signature[1] for name in _SIGNATURES if name in signatures}
    name, key = _picture_of(candidates, subject, hints)
    output = _output_of(list(signatures[name].structured_outputs), subject, hints)
    size = int(candidates[name][key].shape[1] or hints.input_size or USUAL_SIZE)
    return traced(
        # Refers to the module, which owns the variables, so that it stays alive.
        lambda picture: module.signatures[name](**{key: picture})[output],
        size,
        UNIT_RANGE,
        user_named=output == hints.bottleneck_layer,
        dtype=candidates[name][key].dtype,
    )


def _open_v1(folder: Path, subject: str, hints: Hints) -> OpenNetwork:
    """Opens a module of TF-Hub's first format by its signature; TF2 cannot freeze all kinds of its variables."""
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
    name, key = _picture_of(tensors, subject, hints)
    picture = tensors[name][key]
    output = _output_of(list(signatures[name].outputs), subject, hints)
    end = graph.get_tensor_by_name(signatures[name].outputs[output].name)
    frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [end.op.name])

    def run(pictures: Arrays) -> Arrays:
        return np.asarray(session.run(end, {picture: pictures}))

    size = int(picture.shape[1] or hints.input_size or USUAL_SIZE)
    user_named = output == hints.bottleneck_layer
    return OpenNetwork(frozen, picture.op.name, end.op.name, size, UNIT_RANGE, run, user_named)


def _open_graph(definition: Any, subject: str, hints: Hints) -> OpenNetwork:
    tensorflow = import_tensorflow()
    nodes = {node.name: node for node in definition.node}
    inferred = infer(definition, hints.input_layer)
    if inferred.input_node not in nodes:
        candidates = [name for name, node in nodes.items() if node.op in PLACEHOLDERS][:5]
        raise OptionError(
            f"--input_layer: expected an input of '{shown(subject)}', '{shown(inferred.input_node)}' is not among "
            f"its {len(nodes)} nodes.",
            f"Name it by --input_layer; candidates: {', '.join(map(shown, candidates)) or 'none'}.",
        )
    size = inferred.input_size or hints.input_size or USUAL_SIZE
    graph = tensorflow.compat.v1.GraphDef.FromString(definition.SerializeToString())
    user_named = hints.bottleneck_layer in nodes
    end = hints.bottleneck_layer if user_named else inferred.output_node
    if end not in nodes:
        raise BackboneError(
            f"'{shown(subject)}': its output cannot be found among its {len(nodes)} nodes.",
            "Name the node of the features by --bottleneck_layer.",
        )
    run = GraphNetwork(graph, subject, inferred.input_node, end).run_all
    seen = (inferred.mean, inferred.std)
    usual = SYMMETRIC_RANGE if seen == (USUAL_MEAN, USUAL_STD) else seen
    return OpenNetwork(graph, inferred.input_node, end, size, usual, run, user_named, states_range=inferred.range_known)


def _picture_of(signatures: Mapping[str, Mapping[str, Any]], subject: str, hints: Hints) -> tuple[str, str]:
    """Returns the name of the signature that takes one picture, and the name of its input."""
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
        f"'{shown(subject)}': expected a signature that takes one float image (N, S, S, 3), "
        f"received {'; '.join(found) or 'none'}.",
        "Name a SavedModel of a feature vector, as TF-Hub has them.",
    )


def _output_of(outputs: list[str], subject: str, hints: Hints) -> str:
    """Returns the name of the features among outputs: the user's, a usual name, or the only output."""
    for name in (hints.bottleneck_layer, *_FEATURES, *(outputs if len(outputs) == 1 else ())):
        if name in outputs:
            return str(name)
    raise BackboneError(
        f"'{shown(subject)}': expected one output, received {', '.join(map(shown, sorted(outputs)))}.",
        "Name the features among them by --bottleneck_layer.",
    )
