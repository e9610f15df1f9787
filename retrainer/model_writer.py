"""Writes a model, a trained head on its backbone, in each format of the table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retrainer.backbones.bundle import TFLITE, Bundle
from retrainer.measuring.run_record import RunRecord
from retrainer.measuring.scores_table import ScoresTable
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.options.output import OutputOptions
from retrainer.output_formats import (
    FORMATS,
    RECORD,
    SCORES,
    TrainedModel,
    contents_of,
    formats_of,
    model_paths,
    paths_beside,
)
from retrainer.photos.labels import labels_file
from retrainer.previous_model import is_same_model, kept_paths
from retrainer.system.files import has_content, keep_as, remove_file, write_together, write_whole
from retrainer.training.head import Head
from retrainer.training.rejection import KEPT, Rejection

LABELS = "labels"
"""The name of the labels file in `Written.files`."""


@dataclass(frozen=True)
class Written:
    """The files that were written.

    Attributes:
        files: Name of a format, `LABELS`, `SCORES` or `RECORD` -> path. The first is the model to label with.
        model_id: The model's identity.
        previous: Where the model that was replaced is kept; empty if there was none, or the same.
    """

    files: Mapping[str, str]
    model_id: str
    previous: str = ""


@dataclass(frozen=True, eq=False)
class ModelFiles:
    """The content of a model's files.

    Attributes:
        contents: Name of a format -> content, in the order of the table of formats.
        labels: The labels, in the order of the scores.
        beside: `SCORES` and `RECORD` -> content of such a file; there are no scores without folds.
        model_id: The model's identity.
    """

    contents: Mapping[str, bytes]
    labels: tuple[str, ...]
    beside: Mapping[str, bytes]
    model_id: str

    def write(self, output_graph: str, output_labels: str) -> Written:
        """Writes the model in all formats, the files beside it, and the labels if they have a path.

        The model that they replace is kept unless it is the same. What it lacks beside it goes if they had it.

        Raises:
            OutputError: a file cannot be written; if so, the older files stay unchanged.
        """
        paths, places = model_paths(output_graph), paths_beside(output_graph)
        models = {paths[name]: content for name, content in self.contents.items()}
        beside = {places[name]: content for name, content in self.beside.items()}
        labels = {Path(output_labels): labels_file(self.labels)} if output_labels else {}
        keeping = kept_paths(output_graph, output_labels)
        kept = {} if _is_there(models, self.model_id) else _to_keep({**models, **beside}, keeping, output_graph)
        write_together(
            dict([*labels.items(), *models.items(), *beside.items()]), partial(_keep, kept, keeping, places.values())
        )
        for name in places.keys() - self.beside.keys():
            remove_file(places[name])
        # A labels file alone is no previous model, since another model may share it.
        previous = [str(kept[paths[n]]) for n in self.contents if FORMATS[n].is_runnable and paths[n] in kept]
        files = {name: str(paths[name]) for name in self.contents}
        files |= {LABELS: output_labels} if labels else {}
        files |= {name: str(places[name]) for name in self.beside}
        return Written(files, self.model_id, previous[0] if previous else "")


def _to_keep(contents: Mapping[Path, bytes], keeping: Mapping[Path, Path], output_graph: str) -> dict[Path, Path]:
    """Path of each file of another model that is about to be replaced -> path where it is kept.

    A killed run may have written some of the new files already, and kept the ones before.
    """
    models = set(model_paths(output_graph).values())
    replaced = [path for path in keeping if path in contents or path not in models]
    return {path: keeping[path] for path in replaced if path.is_file() and not _has(path, contents.get(path))}


def _keep(kept: Mapping[Path, Path], keeping: Mapping[Path, Path], beside: Iterable[Path]) -> None:
    """Keeps the files of another model; what it lacks beside it goes if the model that was kept before had it."""
    for path, kept_path in kept.items():
        keep_as(path, kept_path)
    for path in beside if kept else ():
        if not path.exists():
            remove_file(keeping[path])


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
        self,
        head: Head,
        rejection: Rejection | None,
        facts: Mapping[str, Any],
        record: RunRecord | None = None,
        scores: ScoresTable | None = None,
    ) -> Written:
        """Writes the model in all formats, the labels, the record and the scores; see `ModelFiles.write`.

        Args:
            head: Weights `(D, C)` and biases `(C,)`.
            rejection: The test for photos of none of the classes; None if there is none.
            facts: Fields of the `training` section of the metadata.
            record: What else is kept of the run; None keeps nothing.
            scores: The out-of-fold scores of the run; None without folds.
        """
        model = self._model(head, rejection, facts)
        model_id = model.metadata.model_id
        beside = {SCORES: scores.to_parquet(model_id)} if scores else {}
        beside |= {RECORD: record.to_json(model_id)} if record else {}
        files = ModelFiles(contents_of(model), self.labels, beside, model_id)
        return files.write(self.options.output_graph, self.options.output_labels)

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
    return has_content(path, content) or is_same_model(str(path), model_id)


def _has(path: Path, content: bytes | None) -> bool:
    """Whether a file has this content; None stands for no file."""
    return content is not None and has_content(path, content)
