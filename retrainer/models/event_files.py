"""Writes TensorBoard's event files without TensorFlow.

Records are framed here because tensorboard's own `RecordWriter` takes as long to import as Parquet, 0.2 s.
"""

import os
import re
import struct
import time
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

import google_crc32c

from retrainer.errors import OptionError
from retrainer.system.unfinished import is_unfinished
from retrainer.text import shown

TRAIN, VALIDATION, TEST, CHOSEN = "train", "validation", "test", "chosen"
FOLDERS = (TRAIN, VALIDATION, TEST, CHOSEN)
# The name of a folder of one run.
_RUN = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-\d+)?")
# Endings that mark the files as ours. A later run replaces these and no others.
SUFFIX, GRAPH_SUFFIX = ".retrainer", ".retrainer-graph"
_PREFIX = "events.out.tfevents"
# A constant of more bytes is a weight. TensorBoard's graph page does not show weights, and is slow if they are there.
_SMALL_CONSTANT = 256


class EventFile:
    """A file of events in a folder. It replaces the one that an earlier run wrote there.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, folder: Path, suffix: str = SUFFIX) -> None:
        self.remove(folder, suffix)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{_PREFIX}.{int(time.time()):010d}.{os.getpid()}{suffix}"
        self._handle = self.path.open("wb")
        self._write(file_version="brain.Event:2")

    @staticmethod
    def remove(folder: Path, suffix: str = SUFFIX) -> None:
        """Removes the files of earlier runs from a folder, and the folder if nothing else is there."""
        for older in folder.glob(f"{_PREFIX}.*{suffix}"):
            older.unlink()
        with suppress(OSError):
            folder.rmdir()

    def add(self, summary: Any, step: int = 0) -> None:
        """Adds a summary, such as `models.summaries` makes."""
        self._write(step=step, summary=summary)

    def graph(self, graph: Any) -> None:
        """Adds a GraphDef without its weights."""
        self._write(graph_def=without_weights(graph).SerializeToString())

    def close(self) -> None:
        """Completes the file."""
        self._handle.close()

    def _write(self, **fields: Any) -> None:
        from tensorboard.compat.proto import event_pb2

        self._handle.write(record_of(event_pb2.Event(wall_time=time.time(), **fields).SerializeToString()))


def record_of(content: bytes) -> bytes:
    """Returns a record of a TFRecord file: the length of a content and the content, each followed by its checksum.

    The format and the masking of checksums are those of tensorflow/core/lib/io/record_writer.h and lib/hash/crc32c.h.
    """
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    checksum = google_crc32c.value(content)
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def write_graph(folder: Path, graph: Any) -> Path:
    """Writes a GraphDef without its weights to a folder of its own and returns the file's path.

    Raises:
        OSError: it cannot be written.
    """
    events = EventFile(folder, GRAPH_SUFFIX)
    events.graph(graph)
    events.close()
    return events.path


def without_weights(graph: Any) -> Any:
    """Returns a copy of a GraphDef whose large constants keep only their type and shape."""
    light = type(graph)()
    light.versions.CopyFrom(graph.versions)
    light.library.CopyFrom(graph.library)
    for node in graph.node:
        copy = light.node.add()
        if node.op == "Const" and node.ByteSize() > _SMALL_CONSTANT:
            copy.name, copy.op = node.name, node.op
            tensor = node.attr["value"].tensor
            copy.attr["dtype"].type = tensor.dtype
            copy.attr["value"].tensor.dtype = tensor.dtype
            copy.attr["value"].tensor.tensor_shape.CopyFrom(tensor.tensor_shape)
        else:
            copy.CopyFrom(node)
    return light


def new_run_folder(parent: str) -> str:
    """Returns the path of a new folder for a run's events, named by the time."""
    name = time.strftime("%Y-%m-%dT%H-%M-%S")
    paths = (os.path.join(parent, name + ending) for ending in chain([""], (f"-{number}" for number in count(2))))
    return next(path for path in paths if not os.path.lexists(path))


def require_own_folder(summaries_dir: str) -> None:
    """Raises OptionError if a folder holds anything but the events of earlier runs."""
    folder = Path(summaries_dir)
    for entry in _entries(folder):
        runs = _entries(entry) if _RUN.fullmatch(entry.name) else [entry]
        others = [path for run in runs for path in _others(run)]
        if others:
            raise OptionError(
                f"--summaries_dir: expected a new folder or that of an earlier run, received '{shown(summaries_dir)}', "
                f"which holds '{shown(others[0].relative_to(folder))}'.",
                "Name a folder of its own, such as tf_files/training_summaries.",
            )


def _entries(folder: Path) -> list[Path]:
    """The sorted entries of a folder without unfinished ones; none if it is no folder."""
    return sorted(entry for entry in folder.glob("*") if not is_unfinished(entry.name)) if folder.is_dir() else []


def _others(entry: Path) -> list[Path]:
    """The paths that are no events of ours: the entry itself, or those in it if it is a folder of events."""
    ours = entry.name in FOLDERS and entry.is_dir()
    return [path for path in (entry.iterdir() if ours else [entry]) if not path.name.endswith((SUFFIX, GRAPH_SUFFIX))]
