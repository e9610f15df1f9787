"""An open network -> a bundle; this needs TensorFlow, once per network."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FEATURE_NODE, Bundle, write_bundle
from retrainer.backbones.converting.another_size import at_size, with_size
from retrainer.backbones.converting.feature_layer import feature_tensor, pixel_range
from retrainer.backbones.converting.hints import ConversionContext, Hints
from retrainer.backbones.converting.open_network import OpenNetwork
from retrainer.backbones.converting.pixel_range import PixelRange
from retrainer.backbones.converting.to_tflite import pooled_node, tflite_of, with_maps_named
from retrainer.backbones.converting.verification import require_agreement, require_close, takes_batches
from retrainer.errors import BackboneError, DownloadError, ModelError, OptionError, PackageError
from retrainer.models.graph.tensorflow_graph import first_line, import_tensorflow
from retrainer.models.metadata import INPUT_NODE
from retrainer.system.process import native_stderr_hidden
from retrainer.text import shown


def convert(
    opened: Callable[[], OpenNetwork], hints: Hints, draft: Bundle, parent: Path, context: ConversionContext
) -> Bundle:
    """Makes the bundle of a network.

    Args:
        opened: Opens the network; any exception of it becomes one line of a `BackboneError`.
        hints: What the user says about the network.
        draft: Name, source, licence and the hash of what the source gave; the rest is filled in.
        parent: The folder of bundles.
        context: The pictures to compare on, and the observer.

    Raises:
        OptionError: the network has no layer of the name that the user gave.
        BackboneError: the network cannot be loaded, is no feature vector, or differs from its bundle.
        OutputError: the bundle cannot be written.
    """
    subject = draft.source
    try:
        with native_stderr_hidden(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user cannot mend what TensorFlow and Keras deprecate
            network = opened()
            if hints.wanted_size:
                network = at_size(network, hints.wanted_size, subject)
            reading = _Reading.of(network, hints, subject)
            bundle, tflite, graph = _converted(reading, draft, context)
    except (BackboneError, DownloadError, OptionError, PackageError):
        raise
    except ModelError as error:
        raise BackboneError(error.problem, error.fix) from error
    except Exception as error:  # TensorFlow and Keras raise many kinds
        raise BackboneError(
            f"'{shown(subject)}' cannot be converted{_for(hints.wanted_size)}: {first_line(error)}",
            "Expected a feature vector for pictures, whole and of a format that TensorFlow reads.",
        ) from error
    context.report(bundle, reading.layer.op.name, stated=reading.range.stated)
    return write_bundle(parent, bundle, tflite, graph.SerializeToString(deterministic=True))


def _for(wanted_size: int) -> str:
    """The size that the user asks for, in a message."""
    return f" for pictures of {wanted_size} pixels" if wanted_size else ""


@dataclass(frozen=True)
class _Reading:
    """How a network is understood.

    Attributes:
        network: The network.
        graph: Its `tf.Graph`, for batches of any size.
        layer: The tensor of the features.
        range: The range of its own input.
    """

    network: OpenNetwork
    graph: Any
    layer: Any
    range: PixelRange

    @classmethod
    def of(cls, network: OpenNetwork, hints: Hints, subject: str) -> "_Reading":
        """Reads the network's graph."""
        graph = _imported(network)
        layer = feature_tensor(graph, network, subject, hints.bottleneck_layer)
        _require_features(layer, subject)
        return cls(network, graph, layer, pixel_range(network, hints))

    @property
    def start(self) -> Any:
        """The tensor of the pictures."""
        return self.graph.get_tensor_by_name(f"{self.network.input_node}:0")

    @cached_property
    def _session(self) -> Any:
        return import_tensorflow().compat.v1.Session(graph=self.graph)

    def features(self, picture: Floats) -> Floats:
        """The features `(D,)` of a picture `(S, S, 3)` in [-1, 1], computed by the network as it came."""
        pictures = self.range.of(picture)[np.newaxis]
        if self.start.dtype.is_integer:
            pictures = np.rint(pictures)
        whole = self.network.run(pictures.astype(self.start.dtype.as_numpy_dtype))
        end = self.graph.get_tensor_by_name(f"{self.network.output_node}:0")
        if self.layer is not end:
            # Only the frozen graph shows an inner layer; its end must agree with the network's.
            frozen, value = self._session.run([end, self.layer], {self.start: pictures})
            require_close(whole, frozen, self.network.output_node)
            whole = value
        vector: Floats = (whole[0] if whole.ndim == 2 else whole[0].mean(axis=(0, 1))).astype(np.float32)
        return vector


def _converted(reading: _Reading, draft: Bundle, context: ConversionContext) -> tuple[Bundle, bytes, Any]:
    """Returns the complete description, the `.tflite` and the GraphDef, compared with the network."""
    graph = _assembled(reading, draft.source)
    map_node = pooled_node(graph)
    tflite, named = with_maps_named(tflite_of(graph), [map_node])
    pairs = [(picture, reading.features(picture)) for picture in context.compared(reading.network.input_size)]
    bundle = replace(
        draft,
        input_size=reading.network.input_size,
        depth=len(pairs[0][1]),
        input_mean=reading.range.mean,
        input_std=reading.range.std,
        batches=takes_batches(graph, pairs[0][0]),
        difference=require_agreement(tflite, graph, pairs, draft.source),
        feature_node=FEATURE_NODE,
        map_tensor=map_node if named else "",
    )
    return bundle, tflite, graph


def _assembled(reading: _Reading, subject: str) -> Any:
    """The bundle's GraphDef, from [-1, 1] to pooled features."""
    tensorflow, size = import_tensorflow(), reading.network.input_size
    graph = tensorflow.Graph()
    with graph.as_default():
        picture = tensorflow.compat.v1.placeholder(tensorflow.float32, (None, size, size, 3), INPUT_NODE)
        seen = picture
        if not reading.range.is_symmetric:
            factor, offset = reading.range.step
            seen = picture * factor + offset
        seen = seen if reading.start.dtype.is_floating else tensorflow.round(seen)
        seen = tensorflow.cast(seen, reading.start.dtype)
        (maps,) = tensorflow.import_graph_def(
            reading.network.graph, {reading.start.name: seen}, [reading.layer.name], name="network"
        )
        tensorflow.identity(_pooled(tensorflow, tensorflow.cast(maps, tensorflow.float32)), FEATURE_NODE)
    needed = _needed(graph.as_graph_def(), FEATURE_NODE)
    if all(node.name != INPUT_NODE for node in needed.node):
        raise BackboneError(
            f"'{shown(subject)}': expected features of the picture, '{shown(reading.layer.op.name)}' has none.",
            "Name the layer of the features by --bottleneck_layer.",
        )
    return needed


def _needed(graph: Any, end: str) -> Any:
    """Returns the nodes that a node needs, inputs first; the same network gives the same order in every run."""
    nodes = {node.name: node for node in graph.node}
    ordered = []
    waiting, entered = [end], {end}
    while waiting:
        node = nodes[waiting[-1]]
        inputs = (name.lstrip("^").split(":")[0] for name in node.input)
        # A loop leads back to a node that is waiting.
        missing = next((name for name in inputs if name not in entered), "")
        if missing:
            waiting.append(missing)
            entered.add(missing)
        else:
            ordered.append(nodes[waiting.pop()])
    needed = type(graph)(node=ordered, versions=graph.versions)
    needed.library.CopyFrom(graph.library)
    return needed


def _imported(network: OpenNetwork) -> Any:
    """Imports the network's `tf.Graph` with input `(None, S, S, 3)`, whatever shape the network states."""
    tensorflow = import_tensorflow()
    graph = tensorflow.Graph()
    with graph.as_default():
        tensorflow.import_graph_def(with_size(network, network.input_size), name="")
    return graph


def _require_features(layer: Any, subject: str) -> None:
    """Raises BackboneError unless a tensor is `(N, D)`, or a square map `(N, H, H, D)`, which is averaged."""
    rank = layer.shape.rank
    if rank not in (2, 4) or layer.shape[-1] is None or (rank == 4 and layer.shape[1] != layer.shape[2]):
        raise BackboneError(
            f"'{shown(subject)}': expected features of the shape (N, D) or (N, H, H, D), "
            f"'{shown(layer.op.name)}' has {'an unknown one' if rank is None else tuple(layer.shape)}.",
            "Name a feature vector, or the layer of the features by --bottleneck_layer.",
        )


def _pooled(tensorflow: Any, maps: Any) -> Any:
    """Averages a map `(N, H, W, D)`; returns features `(N, D)` unchanged."""
    if maps.shape.rank == 2:
        return maps
    if tuple(maps.shape[1:3]) == (1, 1):  # pooled already
        return tensorflow.squeeze(maps, [1, 2])
    return tensorflow.reduce_mean(maps, [1, 2])
