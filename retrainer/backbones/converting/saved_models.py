"""Checks the operations of a SavedModel before TensorFlow loads it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from retrainer.backbones.network_files import SAVED_MODEL
from retrainer.errors import BackboneError
from retrainer.models.graph.operations import RESTORING, require_harmless
from retrainer.text import shown


def require_harmless_saved_model(folder: Path, subject: str) -> None:
    """Raises an error if a SavedModel holds an operation that no network of pictures needs.

    Loading a SavedModel runs its restoring and initialising. Nothing here saves it, so its saving is not checked.

    Args:
        folder: The SavedModel.
        subject: The network's name in messages.

    Raises:
        ModelError: a graph or a function holds such an operation.
        BackboneError: the SavedModel cannot be read.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        saved = saved_model_pb2.SavedModel.FromString((folder / SAVED_MODEL).read_bytes())
    except (DecodeError, OSError) as error:
        raise BackboneError(
            f"'{shown(subject)}' cannot be converted: its {SAVED_MODEL} is damaged or none at all.",
            "Expected a feature vector for pictures, whole and of a format that TensorFlow reads.",
        ) from error
    for meta_graph in saved.meta_graphs:
        roots = meta_graph.object_graph_def.concrete_functions
        require_harmless(meta_graph.graph_def, subject, roots, _only_saving(meta_graph), RESTORING)


def _only_saving(meta_graph: Any) -> set[str]:
    """The nodes of a graph that only its saving needs."""
    saving = _needed_by([meta_graph.saver_def.save_tensor_name], meta_graph)
    others = {node.name for node in meta_graph.graph_def.node} - saving
    return saving - _needed_by([*others, *_started(meta_graph)], meta_graph)


def _started(meta_graph: Any) -> Iterator[str]:
    """The nodes that run when a SavedModel is loaded or called: restoring, initialising, signatures, collections."""
    yield meta_graph.saver_def.restore_op_name
    for collection in meta_graph.collection_def.values():
        yield from collection.node_list.value
    for signature in meta_graph.signature_def.values():
        yield from (info.name for info in (*signature.inputs.values(), *signature.outputs.values()))


def _needed_by(tensors: Iterable[str], meta_graph: Any) -> set[str]:
    """The names of the nodes that tensors need, directly or not."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    waiting, found = list(tensors), set[str]()
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name in nodes and name not in found:
            found.add(name)
            waiting += nodes[name].input
    return found
