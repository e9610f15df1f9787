"""An open network for pictures of another size than it states."""

from dataclasses import replace
from typing import Any

import numpy as np

from retrainer.backbones.converting.hints import refused_size
from retrainer.backbones.converting.open_network import OpenNetwork
from retrainer.errors import ModelError
from retrainer.models.graph.inference import PLACEHOLDERS
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow


def at_size(network: OpenNetwork, size: int, subject: str) -> OpenNetwork:
    """Returns the network for pictures of a size; a network of that size is returned unchanged.

    Args:
        network: The network.
        size: S, pixels.
        subject: The network's name in messages.

    Raises:
        BackboneError: the network takes pictures of its own size only.
    """
    if network.input_size == size:
        return network
    own = network.run(np.zeros((1, network.input_size, network.input_size, 3), np.float32))
    try:
        sized = GraphNetwork(with_size(network, size), subject, network.input_node, network.output_node)
        received = sized.run_all(np.zeros((1, size, size, 3), np.float32))
    except ModelError as error:
        raise refused_size(subject, network.input_size, size) from error
    # A network that flattens its maps gives several rows, or longer ones.
    if (received.ndim, len(received), received.shape[-1]) != (own.ndim, 1, own.shape[-1]):
        raise refused_size(subject, network.input_size, size)
    return replace(network, input_size=size, run=sized.run_all)


def with_size(network: OpenNetwork, size: int) -> Any:
    """Returns the network's GraphDef with the input `(None, size, size, 3)`, whatever shape it states."""
    definition = type(network.graph).FromString(network.graph.SerializeToString())
    for node in definition.node:
        if node.name == network.input_node and node.op in PLACEHOLDERS:
            shape = import_tensorflow().TensorShape((None, size, size, 3))
            node.attr["shape"].shape.CopyFrom(shape.as_proto())
        # An exporter noted these shapes for another batch or size.
        node.attr.pop("_output_shapes", None)
    return definition
