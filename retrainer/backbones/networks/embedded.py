"""The built-in network at other input sizes, made from its own weights."""

from dataclasses import dataclass, replace
from pathlib import Path

from retrainer.backbones.available import EMBEDDED, find_bundle
from retrainer.backbones.backbone import BundleRequest
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.networks.as_graph import table_of
from retrainer.backbones.networks.table_bundle import write_table
from retrainer.events import Noted
from retrainer.models.graph.graphdef import read_graph
from retrainer.text import shown


@dataclass(frozen=True)
class EmbeddedOrigin:
    """The built-in network, for another size of pictures."""

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle of the size that the request's hints state."""
        own, name = find_bundle(EMBEDDED, request.options.model_dir), request.backbone.name
        request.observer(Noted(f"Building '{shown(name)}', once, from '{EMBEDDED}'"))
        draft = replace(own, name=name, input_size=request.backbone.hints.wanted_size, sha256={}, folder=Path())
        return write_table(table_of(read_graph(own.graph_path)), draft, request.parent)
