"""Opens a retrained model, a `.pb` or a `.tflite`, with LiteRT or TensorFlow to run it."""

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from retrainer.arrays import Floats
from retrainer.errors import ModelError, OptionError
from retrainer.models.metadata import INPUT_NODE, PROTOTYPES_FILE, RESIZE_RULE, USUAL_SIZE, ModelMetadata
from retrainer.models.seal import damaged
from retrainer.models.tflite.associated_files import file_in, metadata_in, read_tflite
from retrainer.models.twins import is_tflite, twin_of
from retrainer.options.model import train_first
from retrainer.system.paths import require_file
from retrainer.text import shown
from retrainer.training.rejection import Prototypes, Rejection, from_npy

if TYPE_CHECKING:
    from retrainer.models.inferred import Inferred


Features = TypeVar("Features")


class Runner(Protocol):
    """Runs a model."""

    @property
    def input_size(self) -> int:
        """Height and width of the input, pixels; 0 if it takes any size."""

    @property
    def one_core(self) -> bool:
        """Whether it uses one core, so that several may run at the same time."""

    @property
    def inferred(self) -> "Inferred | None":
        """Facts inferred from a model that does not describe itself; None if it does."""

    def outputs(self, picture: Floats) -> list[Floats]:
        """Returns the scores `(C,)` of a normalised picture `(S, S, 3)`, and its features `(D,)` if they are known."""


Opened = tuple[ModelMetadata, Runner, Rejection | None]
"""A model's metadata (without labels if it has none), its runner, and the test for photos of none of the classes."""


def open_retrained(
    path: str, input_layer: str, output_layer: str, *, rejecting: bool = False, trusted: bool = False
) -> Opened:
    """Opens a model.

    LiteRT runs the twin of a `.pb` if it is the one that the `.pb` was written with: it starts a hundred times faster.

    Args:
        path: A `.pb` or `.tflite`; its content decides which.
        input_layer, output_layer: Nodes of a `.pb` that does not name them; empty for the usual ones.
        rejecting: Whether it must find photos of none of the classes. If it can, the runner returns features, too.
        trusted: Whether a model may do everything that TensorFlow or LiteRT can.

    Raises:
        OptionError: there is no such file, it has no such nodes, or it cannot find photos of none of the classes.
        ModelError: the file is no model, or it does things that no network of pictures needs.
    """
    nodes = _node_name(input_layer), _node_name(output_layer)
    try:
        require_file(path, "--graph", "a retrained model, .pb or .tflite", train_first(path))
        request = _Request(path, nodes, rejecting, trusted)
        return _open_tflite(read_tflite(path), request) if is_tflite(path) else _open_graph(request)
    except (ModelError, OptionError):
        # Imported only now, since it would delay labelling with a model of ours.
        from retrainer.models.kinds import require_no_other_kind

        require_no_other_kind(path)
        raise


@dataclass(frozen=True)
class _Request:
    """The arguments of `open_retrained`; `nodes` are the names of input and output, empty for the usual ones."""

    path: str
    nodes: tuple[str, str]
    rejecting: bool
    trusted: bool

    def names_other_nodes(self, metadata: ModelMetadata | None) -> bool:
        """Whether a node is named that is not the model's own input or output."""
        own = (INPUT_NODE, metadata.output_node) if metadata else ("", "")
        return any(name not in ("", own_name) for name, own_name in zip(self.nodes, own, strict=True))


def _open_tflite(content: bytes, request: _Request) -> Opened:
    path = request.path
    metadata = metadata_in(content, path)
    if request.names_other_nodes(metadata):
        raise OptionError(
            f"--input_layer and --output_layer: '{shown(path)}' has only one input and one output.", "Leave both out."
        )
    rejection, changes = _rejection(
        request,
        metadata,
        lambda: (from_npy(file_in(content, path, PROTOTYPES_FILE) or b""), _changes_for_features(content, path)),
    )
    if metadata is None:
        return _with_inferred(_tflite_runner(content, path, trusted=request.trusted), path)
    from retrainer.models.tflite.litert import Network

    if changes:
        buffer = io.BytesIO(content)
        # As the buffer alone has the bytes now, it changes them in place. A copy takes a twentieth of a label.
        del content
        for position, changed in changes:
            buffer.seek(position)
            buffer.write(changed)
        content = buffer.getvalue()
    network = Network(content, outputs=2 if changes else 1, named=path)
    metadata.require_fit(path, network.input_size, network.output_size)
    return metadata, network, rejection


def _tflite_runner(content: bytes, path: str, *, trusted: bool) -> Runner:
    """Runs a `.tflite` of another tool, in a process of its own unless it is trusted."""
    if trusted:
        from retrainer.models.tflite.foreign import ForeignTFLite

        return ForeignTFLite(content, path, trusted=True)
    from retrainer.models.isolated import IsolatedModel

    return IsolatedModel(content, path)


def _open_graph(request: _Request) -> Opened:
    path, nodes = request.path, request.nodes
    twin = [content for content in (twin_of(path),) if content]
    if twin and not request.names_other_nodes(metadata_in(twin[0], path)):
        # Nobody else may keep the bytes: see `_open_tflite`.
        return _open_tflite(twin.pop(), replace(request, nodes=("", ""), trusted=False))
    from retrainer.models.graph import graphdef

    graph, metadata = graphdef.read_model(path)
    from retrainer.models.graph.inference import infer
    from retrainer.models.graph.operations import require_harmless
    from retrainer.models.graph.tensorflow_graph import require_node

    if not request.trusted:
        require_harmless(graph, path)
    rejection, feature_node = _rejection(
        request, metadata, lambda: (graphdef.prototypes_of(graph), graphdef.feature_node_of(graph))
    )
    inferred = infer(graph, nodes[0], nodes[1] or (metadata.output_node if metadata else ""))
    ends = inferred.input_node, inferred.output_node
    if metadata is None:
        for flag, name in zip(("--input_layer", "--output_layer"), ends, strict=True):
            require_node(graph, path, flag, name)
        return _with_inferred(_graph_runner(graph, path, ends, inferred, trusted=request.trusted), path)
    features = [feature_node] if feature_node else []
    return metadata, _graph_runner(graph, path, [*ends, *features], None, trusted=request.trusted), rejection


def _graph_runner(graph: Any, path: str, nodes: Sequence[str], inferred: "Inferred | None", *, trusted: bool) -> Runner:
    """Runs a graph by TensorFlow, in a process of its own unless it is trusted.

    Args:
        graph: A GraphDef. It may have been made by anyone, even if it describes itself as ours do.
        path: Its path, for messages.
        nodes: Its input and its outputs.
        inferred: Facts inferred from a graph that does not describe itself; None if it does.
        trusted: Whether it may do everything that TensorFlow can.
    """
    from retrainer.models.graph.tensorflow_graph import GraphNetwork
    from retrainer.models.isolated import IsolatedModel

    runner: IsolatedModel | GraphNetwork
    runner = GraphNetwork(graph, path, *nodes) if trusted else IsolatedModel(graph.SerializeToString(), path, *nodes)
    runner.inferred = inferred
    return runner


def _with_inferred(runner: Runner, path: str) -> Opened:
    """A model that does not describe itself, with metadata made of the facts that were inferred."""
    known = runner.inferred
    if known is None:
        raise _no_description(path)
    size = known.input_size or USUAL_SIZE
    return ModelMetadata(known.labels, size, known.mean, known.std, known.output_node, RESIZE_RULE), runner, None


def _rejection(
    request: _Request, metadata: ModelMetadata | None, read: Callable[[], tuple[Prototypes, Features]]
) -> tuple[Rejection | None, Features | None]:
    """The model's test for photos of none of its classes, and what gives their features; twice None if it has none.

    Raises:
        OptionError: it has none, but must have one.
        ModelError: it is damaged, but must be there.
    """
    path = shown(request.path)
    try:
        if metadata is None or not metadata.rejection:
            raise OptionError(
                f"--reject: '{path}' cannot reject photos; expected a model that had validation photos.",
                "Retrain it, or leave the flag out.",
            )
        try:
            prototypes, features = read()
            return Rejection(prototypes, float(metadata.rejection["threshold"])), features
        except (ValueError, TypeError, KeyError, EOFError) as error:
            raise ModelError(
                f"'{path}': its prototypes for --reject are damaged: {error}.", "Retrain it, or copy it again."
            ) from error
    except (OptionError, ModelError):
        if request.rejecting:
            raise
        return None, None


def _no_description(path: str) -> ModelError:
    return ModelError(f"'{shown(path)}' does not describe itself; expected a model that retrainer wrote.")


def _node_name(name: str) -> str:
    """A node's name without the prefix of the 2017 label_image and the suffix of TensorFlow."""
    return name.removeprefix("import/").removesuffix(":0")


def _changes_for_features(content: bytes, path: str) -> list[tuple[int, bytes]]:
    from retrainer.models.tflite.second_output import changes_for_features

    try:
        return changes_for_features(content)
    except (struct.error, ValueError, IndexError) as error:
        raise damaged(path, "expected a TFLite model with a head") from error
