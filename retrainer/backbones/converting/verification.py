"""Compares a bundle with the network it was made from, and finds the first layer that differs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FEATURE_NODE
from retrainer.errors import BackboneError, ModelError
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.litert import Network, tensors_of
from retrainer.text import shown

# Largest allowed difference between a bundle's features and the network's own, relative to the largest feature.
TOLERANCE = 1e-3
_SMALLEST = 1e-6


def relative_difference(received: Any, expected: Any) -> float:
    """The largest absolute difference, relative to the largest expected number; inf if the shapes differ."""
    if received.shape != expected.shape:
        return float("inf")
    return float(np.abs(received - expected).max() / max(float(np.abs(expected).max()), _SMALLEST))


def require_close(expected: Any, received: Any, node: str) -> None:
    """Raises BackboneError if freezing a network changed the output of a node."""
    difference = relative_difference(received, expected)
    if not difference <= TOLERANCE:
        raise BackboneError(
            f"Freezing the network changed the output of '{shown(node)}' by {difference:.1e} of its largest number; "
            f"expected at most {TOLERANCE:.0e}.",
            "Take another backbone, and report this one.",
        )


def require_agreement(tflite: bytes, graph: Any, compared: Sequence[tuple[Floats, Floats]], subject: str) -> float:
    """Compares both files of a bundle with the network they were made from; returns the largest difference.

    Args:
        tflite: The bundle's `backbone.tflite`.
        graph: Its `backbone.pb`, a GraphDef from `input` to `feature_vector`.
        compared: Pictures `(S, S, 3)` in [-1, 1], each with the network's own features `(D,)`.
        subject: The network's name in messages.

    Raises:
        BackboneError: the features of a file differ; the text names the first layer that does.
    """
    frozen, litert = GraphNetwork(graph, subject, INPUT_NODE, FEATURE_NODE), Network(tflite)
    differences = []
    for picture, expected in compared:
        for name, received in (("TensorFlow", frozen.run(picture)), ("LiteRT", litert.run(picture))):
            difference = relative_difference(received, expected)
            if not difference <= TOLERANCE:
                layer = first_difference(tflite, graph, picture) if name == "LiteRT" else ""
                first = f"; the first layer that differs is '{shown(layer)}'" if layer else ""
                raise BackboneError(
                    f"'{shown(subject)}': by {name} the bundle differs from it by {difference:.1e} of the largest "
                    f"feature, expected at most {TOLERANCE:.0e}{first}.",
                    "Take another backbone, and report this one.",
                )
            differences.append(difference)
    return max(differences)


def takes_batches(graph: Any, picture: Floats) -> bool:
    """Whether a bundle's graph takes two pictures at once; some graphs reshape to a batch of one."""
    network = GraphNetwork(graph, "", INPUT_NODE, FEATURE_NODE)
    try:
        both = network.run_all(np.stack([picture, -picture]))
    except ModelError:
        return False
    return relative_difference(both, np.stack([network.run(picture), network.run(-picture)])) <= TOLERANCE


def first_difference(tflite: bytes, graph: Any, picture: Floats) -> str:
    """The first layer whose output differs between LiteRT and TensorFlow; empty if none can be found.

    LiteRT names a layer after the nodes that were fused into it, the last one first, with `;` between them.
    """
    nodes = {node.name for node in graph.node}
    tensorflow = import_tensorflow()
    with tensorflow.Graph().as_default() as loaded:
        tensorflow.import_graph_def(graph, name="")
        session = tensorflow.compat.v1.Session(graph=loaded)
    start = loaded.get_tensor_by_name(f"{INPUT_NODE}:0")
    for _, name, received in tensors_of(tflite, picture):
        node = next((fused for fused in name.split(";") if fused in nodes), "")
        if not node:
            continue
        expected = np.asarray(session.run(loaded.get_tensor_by_name(f"{node}:0"), {start: picture[np.newaxis]}))
        if expected.shape == received.shape and relative_difference(received, expected) > TOLERANCE:
            return node
    return ""
