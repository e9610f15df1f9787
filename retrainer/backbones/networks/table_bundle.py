"""A table of layers -> a bundle; no TensorFlow is needed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from retrainer.backbones.bundle import FEATURE_NODE, Bundle, write_bundle
from retrainer.backbones.converting.hints import ramp
from retrainer.backbones.networks.as_graph import as_graph, table_of
from retrainer.backbones.networks.as_tflite import as_tflite
from retrainer.backbones.networks.layers import LayerTable
from retrainer.errors import BackboneError
from retrainer.models.graph.graphdef import parsed
from retrainer.models.tflite.litert import Network
from retrainer.text import shown


def write_table(table: LayerTable, draft: Bundle, parent: Path) -> Bundle:
    """Writes the bundle of a network.

    Args:
        table: The network.
        draft: Name, source, licence, input size, and the hash of what the source gave.
        parent: The folder of bundles.

    Raises:
        BackboneError: the files do not hold the network.
        OutputError: the bundle cannot be written.
    """
    tflite, graph = as_tflite(table, draft.input_size), as_graph(table, draft.input_size)
    _require_same(table, graph, tflite, draft)
    bundle = replace(
        draft,
        depth=table.depth,
        feature_node=FEATURE_NODE,
        map_tensor=table.maps[-1].tensor,
        maps=table.maps,
        input_mean=table.input_mean,
        input_std=table.input_std,
    )
    return write_bundle(parent, bundle, tflite, graph)


def _require_same(table: LayerTable, graph: bytes, tflite: bytes, draft: Bundle) -> None:
    """Raises BackboneError unless the graph reads back as the table, and LiteRT runs the network."""
    same = table_of(parsed(graph, draft.name)).equals(table)
    features = Network(tflite, named=draft.name).run(ramp(draft.input_size))
    if not same or features.shape != (table.depth,) or not np.isfinite(features).all():
        raise BackboneError(
            f"'{shown(draft.name)}' cannot be built: its files do not hold the network.", "Please report this network."
        )
