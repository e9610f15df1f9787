"""The files of a model: where a `.pb` and its `.tflite` twin lie, and whether they belong together."""

from pathlib import Path

from retrainer.errors import ModelError
from retrainer.models.graph.wire import node_in
from retrainer.models.metadata import TWIN_NODE
from retrainer.models.seal import content_of, is_whole, seal_of
from retrainer.models.tflite.associated_files import MODEL_IDENTIFIER
from retrainer.system.files import open_regular
from retrainer.text import shown

_PB, _TFLITE = ".pb", ".tflite"


def path_with(output_graph: str, suffix: str) -> Path:
    """The path of a model's file with a suffix, given the path of any of its files.

    An ending of another kind stays, as in `model.v2.tflite`; only the `.pb` may have no other ending.
    """
    path = Path(output_graph)
    if path.suffix in (_PB, _TFLITE):
        return path.with_suffix(suffix)
    return path if suffix == _PB else path.with_name(path.name + suffix)


def twins(output_graph: str) -> tuple[Path, Path]:
    """The paths of a model's `.pb` and `.tflite`, given either of them."""
    return path_with(output_graph, _PB), path_with(output_graph, _TFLITE)


def is_tflite(path: str) -> bool:
    """Whether a file is a `.tflite`: by its content or, if that is damaged, by its name.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with open_regular(path) as handle:
            return handle.read(8)[4:] == MODEL_IDENTIFIER or path.endswith(_TFLITE)
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror}.") from error


def twin_of(path: str) -> bytes:
    """The content of a `.pb`'s twin; empty if it is absent, damaged, or not the one that the `.pb` was written with."""
    try:
        stated = node_in(Path(path), TWIN_NODE)
        if stated is None:
            return b""
        content = content_of(twins(path)[1])
    except OSError:
        return b""
    return content if stated.endswith(seal_of(content)) and is_whole(content) else b""
