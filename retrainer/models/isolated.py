"""Runs a model that somebody else made in a process of its own."""

from dataclasses import asdict
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.models.inferred import Ending, Inferred
from retrainer.system.isolation.frames import Arrays
from retrainer.system.isolation.parent import IsolatedProcess
from retrainer.text import shown

# Seconds. TensorFlow takes a few to start, or many on a busy machine; the largest networks take a few for a picture.
OPENING, RUNNING = 120.0, 60.0


class IsolatedModel:
    """A model in an isolated process: LiteRT runs a `.tflite`, TensorFlow a GraphDef.

    Attributes:
        inferred: Facts inferred from a `.tflite`; for a GraphDef None, unless the caller sets it.
        input_size: S, pixels; 0 if it takes any size.
        one_core: Whether it uses one core, so that several may run at the same time.

    Args:
        content: The bytes of a `.tflite` or a GraphDef.
        path: Its path, for messages.
        nodes: The names of a GraphDef's input and outputs; none for a `.tflite`.

    Raises:
        ModelError: it cannot be opened, crashes, or takes more time or memory than it may.
    """

    inferred: Inferred | None = None

    def __init__(self, content: bytes, path: str, *nodes: str) -> None:
        self._path, self.one_core, self._outputs = path, not nodes, max(len(nodes) - 1, 1)
        self._child = IsolatedProcess(__name__, path)
        opened, _ = self._child.ask({"path": path, "nodes": nodes}, [np.frombuffer(content, np.uint8)], seconds=OPENING)
        self.input_size = int(opened["input_size"])
        if not nodes:
            self.inferred = _inferred_in(opened["inferred"])

    def outputs(self, picture: Floats) -> list[Floats]:
        """Runs a normalised picture `(S, S, 3)` and returns one array for each output, the scores `(C,)` first.

        Raises:
            ModelError: it crashes, or takes more time or memory than it may.
        """
        _, given = self._child.ask({}, [picture.astype(np.float32, copy=False)], seconds=RUNNING)
        if len(given) != self._outputs or any(row.ndim != 1 for row in given):
            raise ModelError(f"'{shown(self._path)}': expected outputs: {self._outputs}, received {len(given)}.")
        return given


def _inferred_in(document: Any) -> Inferred:
    """The facts that a child inferred, each converted to its type."""
    return Inferred(
        input_node=str(document["input_node"]),
        output_node=str(document["output_node"]),
        input_size=int(document["input_size"]),
        mean=float(document["mean"]),
        std=float(document["std"]),
        range_known=bool(document["range_known"]),
        ending=next((ending for ending in Ending if ending == document["ending"]), Ending.UNKNOWN),
        labels=tuple(str(label) for label in document["labels"]),
    )


def serve(channel: Any) -> None:
    """The child's side: opens the model, and runs it on one picture after the other."""
    from retrainer.system.isolation.child import limit_seconds

    header, (content,) = channel.receive()
    limit_seconds(OPENING)
    network: list[Any] = []

    def opened() -> tuple[dict[str, Any], Arrays]:
        network.append(_opened(content.tobytes(), header["path"], header["nodes"]))
        inferred = getattr(network[0], "inferred", None)
        return {"input_size": network[0].input_size, "inferred": inferred and asdict(inferred)}, ()

    if not channel.answer(opened, header["path"]):
        return
    while True:
        _, (picture,) = channel.receive()
        limit_seconds(RUNNING)
        channel.answer(lambda given=picture: ({}, network[0].outputs(given)), header["path"])


def _opened(content: bytes, path: str, nodes: list[str]) -> Any:
    if not nodes:
        from retrainer.models.tflite.foreign import ForeignTFLite

        return ForeignTFLite(content, path)
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from retrainer.models.graph.tensorflow_graph import GraphNetwork

    # The parent has parsed it and checked its seal.
    return GraphNetwork(GraphDef.FromString(content), path, *nodes)
