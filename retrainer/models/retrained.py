"""A retrained model on disk: the `.pb`, its `.tflite` twin, and which of them runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from retrainer.arrays import Floats
from retrainer.errors import ModelError, OptionError
from retrainer.models.graph.wire import node_in
from retrainer.models.metadata import (
    INPUT_NODE,
    PROTOTYPES_FILE,
    RESIZE_RULE,
    TWIN_NODE,
    USUAL_SIZE,
    ModelMetadata,
)
from retrainer.models.seal import content_of, damaged, is_whole, seal_of
from retrainer.models.tflite.associated_files import MODEL_IDENTIFIER, file_in, metadata_in, read_tflite
from retrainer.system.files import open_regular, require_file, shown
from retrainer.training.rejection import Prototypes, Rejection, from_npy

if TYPE_CHECKING:
    from retrainer.models.inferred import Inferred

_PB, _TFLITE = ".pb", ".tflite"


class Runner(Protocol):
    """What runs a model."""

    @property
    def input_size(self) -> int:
        """Height and width of the input, pixels; 0 where the model takes any."""

    @property
    def one_core(self) -> bool:
        """Whether it uses one core, so that several may run at once."""

    @property
    def inferred(self) -> "Inferred | None":
        """Facts inferred from a model that does not describe itself; None if it does."""

    def outputs(self, picture: Floats) -> list[Floats]:
        """One normalised picture `(S, S, 3)` -> its scores `(C,)`, and its features `(D,)` where they are asked for."""


def twins(output_graph: str) -> tuple[Path, Path]:
    """The paths of a model's `.pb` and `.tflite`, whichever of them is named."""
    return path_with(output_graph, _PB), path_with(output_graph, _TFLITE)


def path_with(output_graph: str, suffix: str) -> Path:
    """The path of a model's file with a suffix, whichever of its files is named.

    An ending of another kind stays, as in `model.v2.tflite`; a `.pb` may have no other ending.
    """
    path = Path(output_graph)
    if path.suffix in (_PB, _TFLITE):
        return path.with_suffix(suffix)
    return path if suffix == _PB else path.with_name(path.name + suffix)


def open_retrained(
    path: str, input_layer: str, output_layer: str, *, rejecting: bool = False, trusted: bool = False
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    """What a model says of itself, or can be inferred of it, and what runs it.

    A `.pb` is run through its twin, which takes a hundredth of the time to start, if it was written with exactly that.

    Args:
        path: `.pb` or `.tflite`, told apart by their content.
        input_layer, output_layer: Nodes of a `.pb` that does not name them; empty for the usual ones.
        rejecting: Whether the runner is to give the features `(D,)` as a second output.
        trusted: Whether a graph may do whatever TensorFlow can.

    Returns:
        The metadata, without labels where the model has none; its runner; and what tells strange photos, where it is
        asked for.

    Raises:
        OptionError: there is no such file, or it has no such nodes, or it cannot tell strange photos.
        ModelError: the file is no model, or does what no network of pictures needs.
    """
    try:
        return _opened(path, input_layer, output_layer, rejecting=rejecting, trusted=trusted)
    except (ModelError, OptionError):
        # Only what cannot be opened is looked at: a label of our own model does without.
        from retrainer.models.kinds import require_no_other_kind

        require_no_other_kind(path)
        raise


def _opened(
    path: str, input_layer: str, output_layer: str, *, rejecting: bool, trusted: bool
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    require_file(path, "--graph", "a retrained model, .pb or .tflite")
    nodes = _node_name(input_layer), _node_name(output_layer)
    if is_tflite(path):
        return _open_tflite(read_tflite(path), nodes, path, rejecting=rejecting, trusted=trusted)
    return _open_graph(path, nodes, rejecting=rejecting, trusted=trusted)


def _open_tflite(
    content: bytes, nodes: tuple[str, str], path: str, *, rejecting: bool, trusted: bool = False
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    metadata = metadata_in(content, path)
    if not _are_its_own(nodes, metadata):
        raise OptionError(
            f"--input_layer and --output_layer: '{shown(path)}' has one input and one output, and none to choose.",
            "Leave both out.",
        )
    if metadata is None and not rejecting:
        return _as_read(_run_tflite(content, path, trusted=trusted), path)
    from retrainer.models.tflite.litert import Network

    if rejecting:
        rejection = _rejection(path, metadata, lambda: from_npy(file_in(content, path, PROTOTYPES_FILE) or b""))
        network = Network(_with_features(content, path), outputs=2)
    else:
        rejection, network = None, Network(content, named=path)
    if metadata is None:
        raise _silent(path)
    metadata.require_fit(path, network.input_size, network.output_size)
    return metadata, network, rejection


def _run_tflite(content: bytes, path: str, *, trusted: bool) -> Runner:
    """What runs a `.tflite` of another tool: in a process of its own, unless it is trusted."""
    if trusted:
        from retrainer.models.tflite.foreign import ForeignTFLite

        return ForeignTFLite(content, path, trusted=True)
    from retrainer.models.isolated import IsolatedModel

    return IsolatedModel(content, path)


def _run_graph(graph: Any, path: str, nodes: Sequence[str], inferred: "Inferred | None", *, trusted: bool) -> Runner:
    """What runs a graph: in a process of its own, unless it is trusted.

    Args:
        graph: A GraphDef; anybody can write one that describes itself as ours do.
        path: Where it lies, for messages.
        nodes: Its input and its outputs.
        inferred: Facts inferred from a graph that does not describe itself; None if it does.
        trusted: Whether it may do whatever it can.
    """
    from retrainer.models.graph.tensorflow_graph import GraphNetwork
    from retrainer.models.isolated import IsolatedModel

    runner: IsolatedModel | GraphNetwork
    runner = GraphNetwork(graph, path, *nodes) if trusted else IsolatedModel(graph.SerializeToString(), path, *nodes)
    runner.inferred = inferred
    return runner


def _as_read(runner: Runner, path: str) -> tuple[ModelMetadata, Runner, None]:
    """A model that does not describe itself, as it is read."""
    known = runner.inferred
    if known is None:
        raise _silent(path)
    size = known.input_size or USUAL_SIZE
    return ModelMetadata(known.labels, size, known.mean, known.std, known.output_node, RESIZE_RULE), runner, None


def _open_graph(
    path: str, nodes: tuple[str, str], *, rejecting: bool, trusted: bool
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    twin = twin_of(path)
    if twin and _are_its_own(nodes, metadata_in(twin, path)):
        return _open_tflite(twin, ("", ""), path, rejecting=rejecting)
    from retrainer.models.graph import graphdef

    graph, metadata = graphdef.read_model(path)
    from retrainer.models.graph.inference import infer
    from retrainer.models.graph.operations import require_harmless
    from retrainer.models.graph.tensorflow_graph import require_node

    if not trusted:
        require_harmless(graph, path)
    rejection = _rejection(path, metadata, lambda: graphdef.prototypes_of(graph)) if rejecting else None
    inferred = infer(graph, nodes[0], nodes[1] or (metadata.output_node if metadata else ""))
    ends = inferred.input_node, inferred.output_node
    if metadata is None:
        for flag, name in zip(("--input_layer", "--output_layer"), ends, strict=True):
            require_node(graph, path, flag, name)
        return _as_read(_run_graph(graph, path, ends, inferred, trusted=trusted), path)
    features = [graphdef.feature_node_of(graph)] if rejecting else []
    return metadata, _run_graph(graph, path, [*ends, *features], None, trusted=trusted), rejection


def _rejection(path: str, metadata: ModelMetadata | None, read: Callable[[], Prototypes]) -> Rejection:
    """What tells a model's strange photos; OptionError where it has none, ModelError where it is damaged."""
    if metadata is None or not metadata.rejection:
        raise OptionError(
            f"--reject: '{shown(path)}' cannot tell photos of none of its classes; expected what a run "
            "with validation photos ended with.",
            "Retrain it, or leave the flag out.",
        )
    try:
        return Rejection(read(), float(metadata.rejection["threshold"]))
    except (ValueError, TypeError, KeyError, EOFError) as error:
        raise ModelError(
            f"'{shown(path)}': what it needs for --reject is damaged: {error}.", "Retrain it, or copy it again."
        ) from error


def _silent(path: str) -> ModelError:
    return ModelError(f"'{shown(path)}' does not describe itself; expected what retrainer writes into a model.")


def _node_name(name: str) -> str:
    """A node's name without what label_image of 2017 and TensorFlow put around it."""
    return name.removeprefix("import/").removesuffix(":0")


def _are_its_own(nodes: tuple[str, str], metadata: ModelMetadata | None) -> bool:
    """Whether the nodes that are named are those that the model names itself."""
    own = (INPUT_NODE, metadata.output_node) if metadata else ("", "")
    return all(name in ("", own_name) for name, own_name in zip(nodes, own, strict=True))


def is_tflite(path: str) -> bool:
    """Whether a file is a `.tflite`, by its content, or by its name where it is damaged."""
    try:
        with open_regular(path) as handle:
            return handle.read(8)[4:] == MODEL_IDENTIFIER or path.endswith(_TFLITE)
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror}.") from error


def twin_of(path: str) -> bytes:
    """The content of a `.pb`'s twin; empty if it is absent, or not whole the one that the `.pb` was written with."""
    try:
        stated = node_in(Path(path), TWIN_NODE)
        if stated is None:
            return b""
        content = content_of(twins(path)[1])
    except OSError:
        return b""
    return content if stated.endswith(seal_of(content)) and is_whole(content) else b""


def _with_features(content: bytes, path: str) -> bytes:
    from retrainer.models.tflite.flatbuffer import with_features

    try:
        return with_features(content)
    except Exception as error:  # flatbuffers raises whatever the bytes make it stumble over
        raise damaged(path, "expected a TFLite model with a head") from error
