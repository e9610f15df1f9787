"""The formats that a retrained model is written in, a row of a table each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retrainer.backbones.bundle import Bundle
from retrainer.models.graph import graphdef
from retrainer.models.metadata import ModelMetadata
from retrainer.models.tflite import heads
from retrainer.models.twins import path_with
from retrainer.training.head import Head
from retrainer.training.rejection import Prototypes


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A head on its backbone, with everything that a file of it may need.

    Attributes:
        bundle: The backbone.
        head: Weights `(D, C)` and biases `(C,)`.
        metadata: Labels, input, name of the output, training.
        prototypes: Feature vectors for `retrainer label --reject`, float16 `(M, P)`; None if there are none.
    """

    bundle: Bundle
    head: Head
    metadata: ModelMetadata
    prototypes: Prototypes | None = None


Contents = Mapping[str, bytes]
"""Name of a format -> content of the model's file in it."""


@dataclass(frozen=True)
class OutputFormat:
    """A format that a model is written in.

    Attributes:
        suffix: The ending of the file's name, such as `.pb`.
        write: Returns the file's content. It is given the contents of the formats below this one in the table, too;
            there are none if the file is written alone.
        needs_graph: Whether the backbone must have a TensorFlow graph.
        is_runnable: Whether `retrainer label` runs such a file.
    """

    suffix: str
    write: Callable[[TrainedModel, Contents], bytes]
    needs_graph: bool = False
    is_runnable: bool = False


def _write_graph(model: TrainedModel, others: Contents) -> bytes:
    """A frozen TensorFlow graph; it names the `.tflite` that it is written with."""
    bundle, twin = model.bundle, others.get("tflite", b"")
    return graphdef.with_head(
        bundle.graph_path, bundle.feature_node, model.head, model.metadata, model.prototypes, twin
    )


def _write_tflite(model: TrainedModel, _: Contents) -> bytes:
    """A model for LiteRT and MediaPipe."""
    return heads.with_head(model.bundle.tflite_path, model.head, model.metadata, model.prototypes)


# The first format that a backbone allows is the model to label with. Contents are made from the last row to the first,
# and appear on the disk in that order, so a file may depend on those below it.
FORMATS: dict[str, OutputFormat] = {
    "pb": OutputFormat(".pb", _write_graph, needs_graph=True, is_runnable=True),
    "tflite": OutputFormat(".tflite", _write_tflite, is_runnable=True),
}


SCORES, RECORD = "scores", "run"
"""Names of the files beside a model: its out-of-fold scores, and the record of its run."""

_BESIDE = {SCORES: ".scores.parquet", RECORD: ".run.json"}


def formats_of(bundle: Bundle) -> dict[str, OutputFormat]:
    """The formats that a backbone allows, in the order of the table."""
    return {name: row for name, row in FORMATS.items() if bundle.has_graph or not row.needs_graph}


def contents_of(model: TrainedModel) -> dict[str, bytes]:
    """The content of a model's file in each format that its backbone allows, in the order of the table."""
    contents: dict[str, bytes] = {}
    for name, row in reversed(formats_of(model.bundle).items()):
        contents = {name: row.write(model, contents), **contents}
    return contents


def paths_beside(output_graph: str) -> dict[str, Path]:
    """`SCORES` and `RECORD` -> the path of such a file that belongs to a model."""
    return {name: path_with(output_graph, suffix) for name, suffix in _BESIDE.items()}


def model_paths(output_graph: str) -> dict[str, Path]:
    """Name of a format -> path of the model's file in it, for each row of the table."""
    return {name: path_with(output_graph, row.suffix) for name, row in FORMATS.items()}
