"""Checks a bundle's description against its networks, without running them."""

from retrainer.backbones.bundle import COPY_AGAIN, Bundle
from retrainer.errors import BackboneError
from retrainer.models.graph import graphdef
from retrainer.models.tflite.sizes import sizes_of
from retrainer.system.documents import brief
from retrainer.system.files import mapped_file
from retrainer.text import shown


def require_agreeing(bundle: Bundle) -> None:
    """Raises BackboneError unless a bundle's networks have the input size, depth and nodes that it states."""
    with mapped_file(bundle.tflite_path) as content:
        size, depth = sizes_of(content, bundle.tflite_path)
    _require(bundle, "input_size", bundle.input_size, size)
    _require(bundle, "depth", bundle.depth, depth)
    if bundle.maps:
        _require(bundle, "depth", bundle.depth, sum(one.depth for one in bundle.maps))
    if bundle.has_graph:
        graph = graphdef.read_graph(bundle.graph_path)
        ends = graphdef.ends_of(graph)
        if bundle.feature_node not in ends:
            _require(bundle, "feature_node", bundle.feature_node, ends[-1] if ends else "")
        names = {"", *(node.name for node in graph.node)}
        if bundle.map_tensor not in names:
            _require(bundle, "map_tensor", bundle.map_tensor, "")
        for one in bundle.maps:
            if one.tensor not in names:
                _require(bundle, "maps", one.tensor, "")


def _require(bundle: Bundle, name: str, stated: object, found: object) -> None:
    if stated != found:
        raise BackboneError(
            f"The bundle '{shown(bundle.folder)}' cannot be read: its '{name}' is not as expected: "
            f"{brief(found)}, as its network has, received {brief(stated)}.",
            COPY_AGAIN,
        )
