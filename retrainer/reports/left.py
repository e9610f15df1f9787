"""What a run left: its model, the record and the scores beside it. What is not there, or not its own, is None."""

from dataclasses import dataclass
from typing import Any

from retrainer.errors import ModelError
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.measuring.run_record import RunRecord, read_record
from retrainer.measuring.scores_table import StoredScores, read_scores
from retrainer.models.metadata import ModelMetadata
from retrainer.models.tflite.associated_files import metadata_in, read_tflite
from retrainer.models.tflite.heads import head_of
from retrainer.models.twins import is_tflite, twin_of
from retrainer.options.model import train_first
from retrainer.output_formats import RECORD, SCORES, paths_beside
from retrainer.system.files import open_regular
from retrainer.system.paths import require_file
from retrainer.text import reason_of, shown
from retrainer.training.head import Head


@dataclass(frozen=True, eq=False)
class Left:
    """What a run left.

    Attributes:
        graph: The path of the model, as the report names it.
        metadata: The model's description of itself.
        content: The content of its `.tflite`; empty if it is not there.
        head: Weights `(D, C)` and biases `(C,)`; None without a `.tflite`.
        split: Which photos the model remembers; None if it remembers none.
        record: The record of the run.
        stored: The out-of-fold scores of all photos.
        notes: What is missing or damaged, a sentence each.
    """

    graph: str
    metadata: ModelMetadata
    content: bytes
    head: Head | None
    split: RememberedSplit | None
    record: RunRecord | None
    stored: StoredScores | None
    notes: tuple[str, ...]

    def given(self, name: str) -> Any:
        """The value of an option of the run; None if it is the default in Python, or not known."""
        return self.record.options.get(name) if self.record else None


def left_by(graph: str, named: str = "") -> Left:
    """Reads what the run left that made a model.

    Args:
        graph: The model.
        named: How the report calls the model; by default by its path.

    Raises:
        OptionError: there is no such file.
        ModelError: it is damaged, or was not made by retrainer.
    """
    require_file(graph, "--graph", "a model that retrainer wrote, .pb or .tflite", train_first(graph))
    content, metadata = _model(graph)
    if metadata is None:
        raise ModelError(
            f"'{shown(graph)}' does not say what it learnt; expected a model that retrainer wrote.",
            "`retrainer evaluate` measures other models.",
            path=graph,
        )
    notes: list[str] = []
    record, stored = _record(graph, metadata, notes), _stored(graph, metadata, notes)
    head = head_of(content) if content else None
    if not content:
        notes.append("The .tflite of the model is not beside it, so its photos cannot be scored or explained.")
    split = RememberedSplit.from_metadata(metadata.split)
    return Left(named or graph, metadata, content, head, split, record, stored, tuple(notes))


def _model(graph: str) -> tuple[bytes, ModelMetadata | None]:
    """The content of a model's `.tflite`, empty if there is none, and its metadata."""
    if is_tflite(graph):
        content = read_tflite(graph)
        return content, metadata_in(content, graph)
    if content := twin_of(graph):
        return content, metadata_in(content, graph)
    from retrainer.models.graph.graphdef import read_model  # few models lack the .tflite

    return b"", read_model(graph)[1]


def _record(graph: str, metadata: ModelMetadata, notes: list[str]) -> RunRecord | None:
    path = paths_beside(graph)[RECORD]
    try:
        with open_regular(path) as handle:
            model_id, record = read_record(handle.read())
        if model_id != metadata.model_id:
            raise ValueError("it belongs to another model")
        if tuple(record.split) != metadata.labels:
            raise ValueError("it has other labels than the model")
        return record
    except FileNotFoundError:
        notes.append("The run kept no record beside its model, so curves and warnings are unknown.")
    except (OSError, ValueError) as error:
        notes.append(f"'{shown(path)}' is not used: {shown(reason_of(error))}.")
    return None


def _stored(graph: str, metadata: ModelMetadata, notes: list[str]) -> StoredScores | None:
    path = paths_beside(graph)[SCORES]
    try:
        stored = read_scores(path)
        if stored.model_id != metadata.model_id or stored.labels != metadata.labels:
            raise ValueError("it belongs to another model")
        return stored
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        notes.append(f"'{shown(path)}' is not used: {shown(reason_of(error))}.")
        return None
