"""Whether a bundle computes what its network computes, and which layer is the first that does not."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FEATURE_NODE
from retrainer.errors import BackboneError, ModelError
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.litert import Network, tensors_of
from retrainer.system.files import shown

# How far a bundle's features may be from the network's own, relative to the largest of them.
TOLERANCE = 1e-3
_SMALLEST = 1e-6


def relative_difference(received: Any, expected: Any) -> float:
    """The largest difference, relative to the largest of the expected numbers."""
    if received.shape != expected.shape:
        return float("inf")
    return float(np.abs(received - expected).max() / max(float(np.abs(expected).max()), _SMALLEST))


def require_close(expected: Any, received: Any, node: str) -> None:
    """Raises BackboneError unless a frozen network gives what it gave before."""
    difference = relative_difference(received, expected)
    if not difference <= TOLERANCE:
        raise BackboneError(
            f"Freezing the network changed what '{shown(node)}' gives by {difference:.1e} of its largest number; "
            f"expected at most {TOLERANCE:.0e}.",
            "Take another backbone, and report this one.",
        )


def require_agreement(tflite: bytes, graph: Any, compared: Sequence[tuple[Floats, Floats]], source: str) -> float:
    """Compares both files of a bundle with the network that they were made of; returns the largest difference.

    Args:
        tflite: The bundle's `backbone.tflite`.
        graph: Its `backbone.pb`, a GraphDef from `input` to `feature_vector`.
        compared: Pictures `(S, S, 3)` in [-1, 1], each with the network's own features `(D,)`.
        source: What the user calls the network, for messages.

    Raises:
        BackboneError: a file gives something else; the text names the first layer that differs.
    """
    frozen, litert = GraphNetwork(graph, source, INPUT_NODE, FEATURE_NODE), Network(tflite)
    differences = []
    for picture, expected in compared:
        for name, received in (("TensorFlow", frozen.run(picture)), ("LiteRT", litert.run(picture))):
            difference = relative_difference(received, expected)
            if not difference <= TOLERANCE:
                layer = first_difference(tflite, graph, picture) if name == "LiteRT" else ""
                where = f"; the first layer that differs is '{shown(layer)}'" if layer else ""
                raise BackboneError(
                    f"'{shown(source)}': by {name} the bundle differs from it by {difference:.1e} of the largest "
                    f"feature, expected at most {TOLERANCE:.0e}{where}.",
                    "Take another backbone, and report this one.",
                )
            differences.append(difference)
    return max(differences)


def takes_batches(graph: Any, picture: Floats) -> bool:
    """Whether a bundle's graph makes of two pictures at once what it makes of each; some reshape to a batch of one."""
    network = GraphNetwork(graph, "", INPUT_NODE, FEATURE_NODE)
    try:
        both = network.run_all(np.stack([picture, -picture]))
    except ModelError:
        return False
    return relative_difference(both, np.stack([network.run(picture), network.run(-picture)])) <= TOLERANCE


def first_difference(tflite: bytes, graph: Any, picture: Floats) -> str:
    """The first layer of which LiteRT makes something else than TensorFlow, empty where none can be told.

    LiteRT names a layer after the nodes that were fused into it, the last first.
    """
    nodes = {node.name for node in graph.node}
    tensorflow = import_tensorflow()
    with tensorflow.Graph().as_default() as loaded:
        tensorflow.import_graph_def(graph, name="")
        session = tensorflow.compat.v1.Session(graph=loaded)
    start = loaded.get_tensor_by_name(f"{INPUT_NODE}:0")
    for _, name, received in tensors_of(tflite, picture):
        node = next((part for part in name.split(";") if part in nodes), "")
        if not node:
            continue
        expected = np.asarray(session.run(loaded.get_tensor_by_name(f"{node}:0"), {start: picture[np.newaxis]}))
        if expected.shape == received.shape and relative_difference(received, expected) > TOLERANCE:
            return node
    return ""
