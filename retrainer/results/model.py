"""The model that a retraining wrote: its files, and how it is opened and kept."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrainer.errors import ModelError, OptionError
from retrainer.model_writer import ModelFiles
from retrainer.models.twins import path_with
from retrainer.options.output import OutputOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.output_formats import FORMATS, paths_beside
from retrainer.previous_model import metadata_at
from retrainer.system.files import write_whole
from retrainer.system.temporary import TemporaryFolder
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.labeler import Labeler

NAME = "retrained_graph.tflite"
"""The name of a model in a temporary folder."""

_LABELS_NAME = "retrained_labels.txt"


def working_folder() -> str:
    """The working folder; empty if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Trained:
    """A model that was written.

    A pickle holds the files of a model in a temporary folder; those of others stay where they are.

    Attributes:
        files: Name of an output format, `labels`, `scores` or `run` -> path of the file. The first is the model to
            label with.
        labels: The labels, in the order of the model's scores.
        model_id: The model's identity, which both its files state.
        folder: The temporary folder of the model, which lives as long as this result or its labeler; None if the files
            were named.
        working_folder: The folder that relative paths of files begin in.
    """

    files: Mapping[str, str]
    labels: tuple[str, ...]
    model_id: str = ""
    folder: TemporaryFolder | None = field(default=None, repr=False)
    working_folder: str = field(default_factory=working_folder, repr=False)

    @property
    def graph(self) -> str:
        """The model to label with: the `.pb`, or the `.tflite` if the backbone has no TensorFlow graph."""
        return next(iter(self.files.values()))

    @property
    def tflite(self) -> str:
        """The model's `.tflite`."""
        return self.files["tflite"]

    @property
    def place(self) -> str:
        """Where the model is, in words."""
        return self.graph if self.folder is None else 'in a temporary folder; save("model.tflite") keeps it'

    @cached_property
    def model(self) -> "Labeler":
        """A labeler with the model, which is opened when this is first used.

        Raises:
            ModelError: the file is gone, or another run has replaced it.
        """
        from retrainer.labeler import Labeler

        self._require_own()
        labeler = Labeler(self._place_of(self.graph))
        # It opens further networks from the file when it labels many photos.
        if self.folder is not None:
            self.folder.keep_for(labeler)
        return labeler

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the model to a path, as `output_graph` does, with its twin, its labels and what is kept of its run.

        Beside `model.tflite` these are `model.pb`, `model.labels.txt`, `model.scores.parquet` and `model.run.json`.

        Args:
            path: A `.tflite` or a `.pb`.

        Returns:
            The path.

        Raises:
            OptionError: there can be no such file.
            ModelError: the model is gone, or another run has replaced it.
            OutputError: a file cannot be written; if so, older files stay unchanged.
        """
        options = OutputOptions(output_graph=os.fspath(path) if isinstance(path, os.PathLike) else path)
        target = options.output_graph
        if not target:
            raise OptionError("save: expected the path of a .tflite or a .pb, received ''.")
        if target == str(path_with(target, ".pb")) and "pb" not in self.files:
            raise OptionError(
                f"save: the model has no .pb; expected a .tflite, received '{shown(target)}'.",
                f"Name it '{shown(path_with(target, '.tflite'))}'.",
            )
        self._require_own()
        contents = {name: _content_of(self._place_of(self.files[name])) for name in FORMATS if name in self.files}
        names = [name for name in paths_beside(target) if name in self.files]
        beside = {name: _content_of(self._place_of(self.files[name])) for name in names}
        files = ModelFiles(contents, self.labels, beside, self.model_id)
        files.write(target, str(path_with(target, ".labels.txt")))
        return target

    def _place_of(self, path: str) -> str:
        """The path of a file, also from another working folder."""
        return os.path.join(self.working_folder, path)

    def _require_own(self) -> None:
        """Raises ModelError unless the model is still where it was written."""
        metadata = metadata_at(self._place_of(self.graph))
        if metadata is None or metadata.model_id != self.model_id:
            problem = "is no longer there" if metadata is None else "was replaced by another model"
            raise ModelError(f"'{shown(self.graph)}' {problem}.", "Retrain, and name another file.", path=self.graph)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name != "model"}
        if self.folder is not None:
            own = {name: Path(path) for name, path in self.files.items() if Path(path).parent == self.folder.path}
            state["folder"] = {name: (path.name, _content_of(str(path))) for name, path in own.items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["folder"] is not None:
            folder = TemporaryFolder()
            files = {name: folder.path / file for name, (file, _) in state["folder"].items()}
            for name, (_, content) in state["folder"].items():
                write_whole(files[name], content)
            state = {**state, "folder": folder, "files": {**state["files"], **{n: str(p) for n, p in files.items()}}}
        vars(self).update(state)


def written_to(folder: TemporaryFolder, options: RetrainOptions) -> RetrainOptions:
    """Returns options that write the model, and its labels unless they have a path, to a temporary folder."""
    labels = options.output_labels or str(folder.path / _LABELS_NAME)
    return replace(options, output_graph=str(folder.path / NAME), output_labels=labels)


def _content_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror or error}.", path=path) from error
