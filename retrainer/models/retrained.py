"""A retrained model on disk: the `.pb`, its `.tflite` twin, and which of them runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from retrainer.arrays import Floats
from retrainer.errors import ModelError, OptionError
from retrainer.files import require_file, shown
from retrainer.models.metadata import (
    INPUT_NODE,
    METADATA_NODE,
    PROTOTYPES_FILE,
    RESIZE_RULE,
    USUAL_MEAN,
    USUAL_SIZE,
    USUAL_STD,
    ModelMetadata,
    stated_id,
)
from retrainer.models.tflite_reader import MODEL_IDENTIFIER, file_in, metadata_of
from retrainer.models.wire import node_in
from retrainer.rejection import Prototypes, Rejection, from_npy

_PB, _TFLITE = ".pb", ".tflite"


class Runner(Protocol):
    """What runs a model."""

    @property
    def input_size(self) -> int:
        """Height and width of the input, pixels; 0 where the model takes any."""

    def outputs(self, picture: Floats) -> list[Floats]:
        """One normalised picture `(S, S, 3)` -> its scores `(C,)`, and its features `(D,)` where they are asked for."""


def twins(output_graph: str) -> tuple[Path, Path]:
    """The paths of a model's `.pb` and `.tflite`, whichever of them is named; another ending is kept before both."""
    path = Path(output_graph)
    if path.suffix == _TFLITE:
        return path.with_suffix(_PB), path
    return path, path.with_suffix(_TFLITE) if path.suffix == _PB else path.with_name(path.name + _TFLITE)


def open_retrained(
    path: str, input_layer: str, output_layer: str, *, rejecting: bool = False, trusted: bool = False
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    """What a model says of itself, or can be inferred of it, and what runs it.

    A `.pb` is run through its twin where both carry the same id, which takes a hundredth of the time to start.

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
    require_file(path, "--graph", "a retrained model, .pb or .tflite")
    nodes = _node_name(input_layer), _node_name(output_layer)
    if is_tflite(path):
        return _open_tflite(path, nodes, path, rejecting=rejecting)
    return _open_graph(path, nodes, rejecting=rejecting, trusted=trusted)


def _open_tflite(
    path: str, nodes: tuple[str, str], named: str, *, rejecting: bool
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    from retrainer.models.litert import Network

    metadata = metadata_of(path)
    if not _are_its_own(nodes, metadata):
        raise OptionError(
            f"--input_layer and --output_layer: '{shown(path)}' has one input and one output, and none to choose.",
            "Leave both out.",
        )
    if rejecting:
        rejection = _rejection(named, metadata, lambda: from_npy(file_in(path, PROTOTYPES_FILE) or b""))
        from retrainer.models.tflite import with_features

        network = Network(with_features(Path(path)), outputs=2)
    else:
        rejection, network = None, Network(path)
    return metadata or _without_labels(network.input_size, USUAL_MEAN, USUAL_STD, ""), network, rejection


def _open_graph(
    path: str, nodes: tuple[str, str], *, rejecting: bool, trusted: bool
) -> tuple[ModelMetadata, Runner, Rejection | None]:
    twin = twins(path)[1]
    described = _twin_metadata(twin)
    if described and _are_its_own(nodes, described) and carries(Path(path), described.model_id):
        return _open_tflite(str(twin), ("", ""), path, rejecting=rejecting)
    from retrainer.models import graphdef

    graph = graphdef.read_graph(path)
    metadata = graphdef.metadata_of(graph, shown(path))
    from retrainer.models.foreign import reading_of
    from retrainer.models.operations import require_harmless
    from retrainer.models.tensorflow_graph import GraphNetwork

    if not trusted:
        require_harmless(graph, path)

    rejection = _rejection(path, metadata, lambda: graphdef.prototypes_of(graph)) if rejecting else None
    reading = reading_of(graph, nodes[0], nodes[1] or (metadata.output_node if metadata else ""))
    features = [graphdef.feature_node_of(graph)] if rejecting else []
    runner = GraphNetwork(graph, path, reading.input_node, reading.output_node, *features)
    inferred = _without_labels(reading.input_size or USUAL_SIZE, reading.mean, reading.std, reading.output_node)
    return metadata or inferred, runner, rejection


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


def _without_labels(size: int, mean: float, std: float, output_node: str) -> ModelMetadata:
    return ModelMetadata((), size, mean, std, output_node, RESIZE_RULE)


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
        with open(path, "rb") as handle:
            return handle.read(8)[4:] == MODEL_IDENTIFIER or path.endswith(_TFLITE)
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror}.") from error


def carries(path: Path, model_id: str) -> bool:
    """Whether a file is a whole model, `.pb` or `.tflite`, of that id."""
    try:
        if is_tflite(str(path)):
            metadata = _twin_metadata(path)
            return metadata is not None and metadata.model_id == model_id
        node = node_in(path, METADATA_NODE)
    except (ModelError, OSError):
        return False
    return node is not None and stated_id(model_id) in node


def _twin_metadata(path: Path) -> ModelMetadata | None:
    """What a `.tflite` says of itself, None where it is absent, damaged or silent."""
    try:
        return metadata_of(str(path))
    except ModelError:
        return None
