"""A trained head and its backbone -> the model's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from retrainer.backbones.bundle import INPUT_MEAN, INPUT_STD, TFLITE, Bundle
from retrainer.models.graph import graphdef
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.models.retrained import twins
from retrainer.models.tflite import flatbuffer
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.labels import labels_file
from retrainer.previous_model import is_same_model, kept_paths
from retrainer.system.files import keep_as, write_together, write_whole
from retrainer.training.head import Head
from retrainer.training.rejection import KEPT, Prototypes, Rejection

# The options that a model says it was trained with.
_RECORDED = ("architecture", "split_by", "seed")


@dataclass(frozen=True)
class ModelWriter:
    """Writes the models of one run.

    Attributes:
        options, bundle, labels: Of the run.
        split: What a model remembers of the split.
    """

    options: RetrainOptions
    bundle: Bundle
    labels: tuple[str, ...]
    split: Mapping[str, Any]

    def write(self, head: Head, rejection: Rejection | None, facts: Mapping[str, Any]) -> tuple[str, str, str]:
        """Writes the model, its twin and the labels together, after another model in their place was kept.

        A backbone without a graph gives a `.tflite` only, which is then both.

        Returns:
            The paths of the model and its twin, and where the other model is kept; empty if there was none.

        Args:
            head: Weights `(D, C)`.
            rejection: What tells strange photos, None where nothing does.
            facts: What the metadata says of the training besides its options.
        """
        metadata = self._metadata(head, rejection, facts)
        prototypes = rejection.prototypes if rejection else None
        graph, twin = twins(self.options.output_graph)
        contents: dict[str | PathLike[str], bytes] = {self.options.output_labels: labels_file(self.labels)}
        of_twin = flatbuffer.with_head(self.bundle.tflite_path, head, metadata, prototypes)
        if self.bundle.has_graph:
            contents[graph] = self._graph(head, metadata, prototypes, of_twin)
        contents[twin] = of_twin
        written = graph if self.bundle.has_graph else twin
        same = _has(written, contents[written]) or is_same_model(str(written), metadata.model_id)
        kept = {} if same else self._to_keep(twin, of_twin)
        write_together(contents, partial(_keep, kept))
        # The labels file alone, which another model may share, is no model.
        models = [kept[path] for path in (graph, twin) if path in kept]
        return str(written), str(twin), str(models[0]) if models else ""

    def _to_keep(self, twin: Path, new: bytes) -> dict[Path, Path]:
        """The files of another model that are to be replaced, the graph first, each with where it is kept.

        A run that was killed may have written the new twin already, and kept the one before.
        """
        places = kept_paths(self.options.output_graph, self.options.output_labels)
        replaced = [path for path in places if self.bundle.has_graph or path != twins(str(twin))[0]]
        return {path: places[path] for path in replaced if path.is_file() and not (path == twin and _has(twin, new))}

    def keep(self, step: int, head: Head) -> str:
        """Writes an intermediate model, a `.pb` where the backbone has a graph, and returns its path."""
        metadata = self._metadata(head, None, {"step": step})
        path = Path(self.options.intermediate_output_graphs_dir) / f"intermediate_{step}.pb"
        if self.bundle.has_graph:
            write_whole(path, self._graph(head, metadata))
        else:
            path = path.with_suffix(".tflite")
            write_whole(path, flatbuffer.with_head(self.bundle.tflite_path, head, metadata))
        return str(path)

    def _graph(
        self, head: Head, metadata: ModelMetadata, prototypes: Prototypes | None = None, twin: bytes = b""
    ) -> bytes:
        bundle = self.bundle
        return graphdef.with_head(bundle.graph_path, bundle.feature_node, head, metadata, prototypes, twin)

    def _metadata(self, head: Head, rejection: Rejection | None, facts: Mapping[str, Any]) -> ModelMetadata:
        bundle = self.bundle
        return ModelMetadata(
            labels=self.labels,
            input_size=bundle.input_size,
            mean=INPUT_MEAN,
            std=INPUT_STD,
            output_node=self.options.final_tensor_name,
            resize=RESIZE_RULE,
            backbone={
                "name": bundle.name,
                "source": bundle.source,
                "licence": bundle.licence,
                "sha256": bundle.sha256[TFLITE],
            },
            rejection={"threshold": rejection.threshold, "kept": KEPT} if rejection else {},
            split=self.split,
            training={name: getattr(self.options, name) for name in _RECORDED} | dict(facts),
        ).identified(head.tobytes() + (rejection.prototypes.tobytes() if rejection else b""))


def _keep(kept: Mapping[Path, Path]) -> None:
    for path, place in kept.items():
        keep_as(path, place)


def _has(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
