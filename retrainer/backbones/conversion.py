"""A SavedModel -> a bundle. TensorFlow is needed here, once per network."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.errors import BackboneError
from retrainer.files import shown
from retrainer.models.litert import Network
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tensorflow_graph import import_tensorflow
from retrainer.models.tflite import TFLiteBuilder
from retrainer.native import native_stderr_hidden

FEATURE_NODE = "feature_vector"
# How far the bundle's features may be from the module's own, relative to the largest of them.
TOLERANCE = 1e-3
# What a module takes that does not say.
USUAL_SIZE = 224
_SIGNATURES = ("serving_default", "default", "image_feature_vector")

Pictures = Callable[[int], Sequence[Floats]]
"""Size S -> network inputs float32 `(S, S, 3)` in [-1, 1] to compare a bundle with its source on."""


def convert(folder: Path, described: Bundle, parent: Path, pictures: Pictures) -> Bundle:
    """Makes the bundle of a SavedModel that maps images in [0, 1] to pooled features, as TF-Hub's do.

    Args:
        folder: The SavedModel; loading it runs what it holds, so that it must come from a source that is trusted.
        described: Name, source and licence; `input_size` where it is known, otherwise 0.
        parent: The folder of bundles.
        pictures: What the bundle's features are compared on with the SavedModel's own.

    Raises:
        BackboneError: the SavedModel cannot be loaded or is no feature vector, or the bundle computes something else.
        OutputError: the bundle cannot be written.
    """
    tensorflow = import_tensorflow()
    source = described.source
    try:
        with native_stderr_hidden():
            module = _loaded(folder)
            features_of, size = _feature_function(module, source, described.input_size)
            concrete = _concrete(tensorflow, features_of, size)
            shape = concrete.outputs[0].shape
            if shape.rank != 2 or shape[1] is None:
                raise BackboneError(
                    f"'{shown(source)}': expected pooled features of the shape (N, D), received {tuple(shape)}.",
                    "Name a feature vector.",
                )
            graph = _frozen(tensorflow, concrete)
            tflite = tensorflow.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()
    except BackboneError:
        raise
    except Exception as error:  # TensorFlow raises many kinds for a SavedModel that it cannot take
        raise BackboneError(
            f"'{shown(source)}' cannot be converted: {(str(error).splitlines() or [type(error).__name__])[0]}",
            f"Expected a TF2 SavedModel of a feature vector; if its copy in '{shown(folder)}' is damaged, remove it.",
        ) from error
    map_node = _pooled_node(graph)
    tflite, named = _with_map_named(tflite, map_node)
    _check(tflite, features_of, pictures(size) or [_ramp(size)], source)
    bundle = replace(
        described,
        input_size=size,
        depth=int(shape[1]),
        feature_node=FEATURE_NODE,
        map_tensor=map_node if named else "",
    )
    return write_bundle(parent, bundle, tflite, graph.SerializeToString(deterministic=True))


def _loaded(folder: Path) -> Any:
    with warnings.catch_warnings():
        # tensorflow_hub imports pkg_resources, which warns that it will go.
        warnings.simplefilter("ignore")
        import tensorflow_hub
    return tensorflow_hub.load(str(folder))


def _feature_function(module: Any, source: str, known_size: int) -> tuple[Callable[[Any], Any], int]:
    """What maps images `(N, S, S, 3)` in [0, 1] to features, and S."""
    found = []
    for name in _SIGNATURES:
        signature = getattr(module, "signatures", {}).get(name)
        if signature is None:
            continue
        inputs = signature.structured_input_signature[1]
        found.append(f"{name}({', '.join(f'{key}: {spec.dtype.name} {spec.shape}' for key, spec in inputs.items())})")
        (key, spec), *others = inputs.items()
        if not others and spec.dtype.is_floating and spec.shape.rank == 4 and spec.shape[3] in (3, None):
            if spec.shape[1] != spec.shape[2]:
                continue
            size = int(spec.shape[1] or known_size or USUAL_SIZE)
            return partial(_features, signature, key, _output_of(signature, source)), size
    raise BackboneError(
        f"'{shown(source)}': expected a signature that takes one float image (N, S, S, 3), "
        f"received {'; '.join(found) or 'none'}.",
        "Name a TF2 SavedModel of a feature vector, as TF-Hub has them.",
    )


def _output_of(signature: Any, source: str) -> str:
    """The name of a signature's features: its only output, or the one that is called so."""
    outputs: list[str] = list(signature.structured_outputs)
    for name in ("default", FEATURE_NODE, *(outputs if len(outputs) == 1 else ())):
        if name in outputs:
            return str(name)
    raise BackboneError(
        f"'{shown(source)}': expected one output, received {', '.join(map(shown, sorted(outputs)))}.",
        "Name a feature vector.",
    )


def _features(signature: Any, key: str, output: str, images: Any) -> Any:
    return signature(**{key: images})[output]


def _concrete(tensorflow: Any, features_of: Callable[[Any], Any], size: int) -> Any:
    """The network from [-1, 1], with the input and output named."""
    specification = tensorflow.TensorSpec((None, size, size, 3), tensorflow.float32, INPUT_NODE)

    def network(picture: Any) -> Any:
        return tensorflow.identity(features_of(picture * 0.5 + 0.5), FEATURE_NODE)

    return tensorflow.function(network, input_signature=[specification]).get_concrete_function()


def _frozen(tensorflow: Any, concrete: Any) -> Any:
    """The network's GraphDef with its variables as constants, and only what the features need."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    graph = convert_variables_to_constants_v2(concrete).graph.as_graph_def()
    return tensorflow.compat.v1.graph_util.extract_sub_graph(graph, [FEATURE_NODE])


def _pooled_node(graph: Any) -> str:
    """The node whose output the pooling takes, empty where the network does not end with one."""
    nodes = {node.name: node for node in graph.node}
    node = nodes[FEATURE_NODE]
    while node.op in ("Identity", "Squeeze", "Reshape"):
        node = nodes[node.input[0].split(":")[0]]
    if node.op not in ("Mean", "AvgPool"):
        return ""
    node = nodes[node.input[0].split(":")[0]]
    while node.op == "Identity":
        node = nodes[node.input[0].split(":")[0]]
    return str(node.name)


def _with_map_named(tflite: bytes, name: str) -> tuple[bytes, bool]:
    """The TFLite model with the same tensor under the same name, and whether it has one."""
    builder = TFLiteBuilder.parsed(tflite)
    maker = {output: operator for operator in builder.graph.operators for output in operator.outputs}
    operator = maker.get(builder.graph.outputs[0])
    while operator is not None and builder.operator_name(operator) in ("RESHAPE", "SQUEEZE"):
        operator = maker.get(operator.inputs[0])
    if not name or operator is None or builder.operator_name(operator) not in ("MEAN", "AVERAGE_POOL_2D"):
        return tflite, False
    builder.graph.tensors[operator.inputs[0]].name = name
    return builder.packed(), True


def _ramp(size: int) -> Floats:
    """A picture for want of photos: each channel grows along another way."""
    ramp = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    return np.stack(np.broadcast_arrays(ramp[:, np.newaxis], ramp, ramp[::-1]), axis=-1)


def _check(tflite: bytes, features_of: Callable[[Any], Any], pictures: Sequence[Floats], source: str) -> None:
    """Raises BackboneError unless LiteRT gives the module's own features."""
    network = Network(tflite)
    for picture in pictures:
        expected = np.asarray(features_of((picture * 0.5 + 0.5)[np.newaxis]))[0]
        difference = np.abs(network.run(picture) - expected).max() / max(np.abs(expected).max(), 1e-6)
        if not difference <= TOLERANCE:
            raise BackboneError(
                f"'{shown(source)}': the converted network differs from it by {difference:.1e} of the largest feature; "
                f"expected at most {TOLERANCE:.0e}.",
                "Take another backbone, and report this one.",
            )
