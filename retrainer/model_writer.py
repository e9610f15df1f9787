"""Writes a model, a trained head on its backbone, in each format of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retrainer.backbones.bundle import TFLITE, Bundle
from retrainer.measuring.scores_table import ScoresTable
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.options.output import OutputOptions
from retrainer.output_formats import FORMATS, TrainedModel, contents_of, formats_of, model_paths, scores_path
from retrainer.photos.labels import labels_file
from retrainer.previous_model import is_same_model, kept_paths
from retrainer.system.files import keep_as, remove_file, write_together, write_whole
from retrainer.training.head import Head
from retrainer.training.rejection import KEPT, Rejection

LABELS, SCORES = "labels", "scores"
"""Names of the labels file and of the out-of-fold scores in `Written.files`."""


@dataclass(frozen=True)
class Written:
    """The files that were written.

    Attributes:
        files: Name of a format, `LABELS` or `SCORES` -> path. The first is the model to label with.
        model_id: The model's identity.
        previous: Where the model that was replaced is kept; empty if there was none, or the same.
    """

    files: Mapping[str, str]
    model_id: str
    previous: str = ""


@dataclass(frozen=True)
class ModelWriter:
    """Writes the models of one run.

    Attributes:
        options: The paths of the files, and the name of the output node.
        bundle: The backbone.
        labels: The labels, in the order of the scores.
        split: The `split` section of the metadata.
        recorded: Fields of the `training` section that all models of the run share.
    """

    options: OutputOptions
    bundle: Bundle
    labels: tuple[str, ...]
    split: Mapping[str, Any]
    recorded: Mapping[str, Any]

    def write(
        self, head: Head, rejection: Rejection | None, facts: Mapping[str, Any], scores: ScoresTable | None = None
    ) -> Written:
        """Writes the model in all formats, the labels and the out-of-fold scores.

        The model that they replace is kept unless it is the same. Without scores, those of another model go.

        Args:
            head: Weights `(D, C)` and biases `(C,)`.
            rejection: The test for photos of none of the classes; None if there is none.
            facts: Fields of the `training` section of the metadata.
            scores: The out-of-fold scores of the run; None without folds.
        """
        model = self._model(head, rejection, facts)
        contents, paths = contents_of(model), model_paths(self.options.output_graph)
        models = {paths[name]: content for name, content in contents.items()}
        of_scores = scores_path(self.options.output_graph)
        tables = {of_scores: scores.to_parquet(model.metadata.model_id)} if scores else {}
        kept = {} if _is_there(models, model.metadata.model_id) else self._to_keep({**models, **tables})
        labels = Path(self.options.output_labels), labels_file(self.labels)
        write_together(dict([labels, *models.items(), *tables.items()]), partial(self._keep, kept))
        if not scores:
            remove_file(of_scores)
        # A labels file alone is no previous model, since another model may share it.
        previous = [str(kept[paths[n]]) for n in contents if FORMATS[n].is_runnable and paths[n] in kept]
        files = {name: str(paths[name]) for name in contents} | {LABELS: self.options.output_labels}
        files |= {SCORES: str(of_scores)} if scores else {}
        return Written(files, model.metadata.model_id, previous[0] if previous else "")

    def _to_keep(self, contents: Mapping[Path, bytes]) -> dict[Path, Path]:
        """Path of each file of another model that is about to be replaced -> path where it is kept.

        A killed run may have written some of the new files already, and kept the ones before.
        """
        kept = kept_paths(self.options.output_graph, self.options.output_labels)
        others = Path(self.options.output_labels), scores_path(self.options.output_graph)
        replaced = [path for path in kept if path in contents or path in others]
        return {path: kept[path] for path in replaced if path.is_file() and not _has(path, contents.get(path))}

    def _keep(self, kept: Mapping[Path, Path]) -> None:
        """Keeps the files of another model; if it has no scores, those of the model that was kept before go."""
        for path, kept_path in kept.items():
            keep_as(path, kept_path)
        of_scores = scores_path(self.options.output_graph)
        if kept and not of_scores.exists():
            remove_file(kept_paths(self.options.output_graph, self.options.output_labels)[of_scores])

    def write_intermediate(self, step: int, head: Head) -> str:
        """Writes the model after a step in the first format that the backbone allows, and returns its path."""
        row = next(iter(formats_of(self.bundle).values()))
        path = Path(self.options.intermediate_output_graphs_dir) / f"intermediate_{step}{row.suffix}"
        write_whole(path, row.write(self._model(head, None, {"step": step}), {}))
        return str(path)

    def _model(self, head: Head, rejection: Rejection | None, facts: Mapping[str, Any]) -> TrainedModel:
        options, bundle = self.options, self.bundle
        prototypes = rejection.prototypes if rejection else None
        metadata = ModelMetadata(
            labels=self.labels,
            input_size=bundle.input_size,
            mean=INPUT_MEAN,
            std=INPUT_STD,
            output_node=options.final_tensor_name,
            resize=RESIZE_RULE,
            backbone={
                "name": bundle.name,
                "source": bundle.source,
                "licence": bundle.licence,
                "sha256": bundle.sha256[TFLITE],
            },
            rejection={"threshold": rejection.threshold, "kept": KEPT} if rejection else {},
            split=self.split,
            training={**self.recorded, **facts},
        )
        weights = head.tobytes() + (b"" if prototypes is None else prototypes.tobytes())
        return TrainedModel(bundle, head, metadata.identified(weights), prototypes)


def _is_there(models: Mapping[Path, bytes], model_id: str) -> bool:
    """Whether the same model is there already: its first file, or an undamaged model with this id."""
    path, content = next(iter(models.items()))
    return _has(path, content) or is_same_model(str(path), model_id)


def _has(path: Path, content: bytes | None) -> bool:
    """Whether a file has this content."""
    if content is None or not path.is_file():
        return False
    return path.stat().st_size == len(content) and path.read_bytes() == content
