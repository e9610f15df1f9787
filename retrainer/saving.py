"""A trained head and its backbone -> the model's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from retrainer.backbones.bundle import MEAN, STD, TFLITE, Bundle
from retrainer.files import write_together, write_whole
from retrainer.head import Head
from retrainer.labels import labels_file
from retrainer.models import graphdef, tflite
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.models.retrained import twins
from retrainer.options.retraining import RetrainOptions
from retrainer.rejection import KEPT, Prototypes, Rejection

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

    def write(self, head: Head, rejection: Rejection | None, facts: Mapping[str, Any]) -> tuple[str, str]:
        """Writes the model, its twin and the labels together; returns the paths of the first two.

        A backbone without a graph gives a `.tflite` only, which is then both.

        Args:
            head: Weights `(D, C)`.
            rejection: What tells strange photos, None where nothing does.
            facts: What the metadata says of the training besides its options.
        """
        metadata = self._metadata(head, rejection, facts)
        prototypes = rejection.prototypes if rejection else None
        graph, twin = twins(self.options.output_graph)
        contents: dict[str | PathLike[str], bytes] = {self.options.output_labels: labels_file(self.labels)}
        of_twin = tflite.with_head(self.bundle.tflite_path, head, metadata, prototypes)
        if self.bundle.has_graph:
            contents[graph] = self._graph(head, metadata, prototypes, of_twin)
        contents[twin] = of_twin
        write_together(contents)
        return str(graph if self.bundle.has_graph else twin), str(twin)

    def keep(self, step: int, head: Head) -> str:
        """Writes an intermediate model, a `.pb` where the backbone has a graph, and returns its path."""
        metadata = self._metadata(head, None, {"step": step})
        path = Path(self.options.intermediate_output_graphs_dir) / f"intermediate_{step}.pb"
        if self.bundle.has_graph:
            write_whole(path, self._graph(head, metadata))
        else:
            path = path.with_suffix(".tflite")
            write_whole(path, tflite.with_head(self.bundle.tflite_path, head, metadata))
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
            mean=MEAN,
            std=STD,
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
