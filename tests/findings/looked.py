"""Folders of photos as the finders of this package's looks, copies and files see them."""

from pathlib import Path

import numpy as np

from retrainer.events import Event, PhotoSkipped, silent
from retrainer.findings.evidence import Evidence
from retrainer.findings.measured import Measured, measured
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.files import PhotoFiles
from retrainer.photos.scanning import scan
from retrainer.preparation import prepare
from retrainer.reporting import Reporter, Stopwatch


class Looked:
    """A folder of photos, prepared and measured. All are for training, and each class is recognised for sure.

    Attributes:
        files, problems, evidence, measured: What finders take.
    """

    def __init__(self, options: RetrainOptions, files: PhotoFiles | None = None) -> None:
        events: list[Event] = []
        self.files = files or scan(options.image_dir, silent)
        with Reporter(events.append) as report:
            prepared = prepare(options, report, Stopwatch(report), files=self.files, looks=True)
        self.problems = {event.path: event.reason for event in events if isinstance(event, PhotoSkipped)}
        dataset = prepared.dataset
        parts = np.zeros(len(dataset.paths), np.int8)
        self.evidence = Evidence(
            dataset, prepared.examples, parts, np.eye(len(dataset.labels), dtype=np.float32)[dataset.label_ids]
        )
        self.measured: Measured = measured(dataset, options.bottleneck_dir, silent)

    def row(self, name: str) -> int:
        """The row of a photo by its name below the folder."""
        return next(row for row, path in enumerate(self.evidence.dataset.paths) if path.endswith(name))


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
