"""Writes TensorBoard's event files without TensorFlow.

Records are framed here because tensorboard's own `RecordWriter` takes as long to import as Parquet, 0.2 s.
"""

import os
import struct
import time
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import OptionError
from retrainer.system.unfinished import is_unfinished
from retrainer.text import shown

TRAIN, VALIDATION = "train", "validation"
# Endings that mark the files as ours. A later run replaces these and no others.
SUFFIX, GRAPH_SUFFIX = ".retrainer", ".retrainer-graph"
_PREFIX = "events.out.tfevents"
# A constant of more bytes is a weight. TensorBoard's graph page does not show weights, and is slow if they are there.
_SMALL_CONSTANT = 256
_BUCKETS = 30


class EventFile:
    """A file of events in a folder. It replaces the one that an earlier run wrote there.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, folder: Path, suffix: str = SUFFIX) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob(f"{_PREFIX}.*{suffix}"):
            older.unlink()
        self.path = folder / f"{_PREFIX}.{int(time.time()):010d}.{os.getpid()}{suffix}"
        self._handle = self.path.open("wb")
        self._write(file_version="brain.Event:2")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Adds numbers under their tags."""
        from tensorboard.compat.proto import summary_pb2

        summary = summary_pb2.Summary()
        for tag, value in values.items():
            summary.value.add(tag=tag, simple_value=value)
        self._write(step=step, summary=summary)

    def histogram(self, step: int, tag: str, values: Floats) -> None:
        """Adds the distribution of numbers."""
        self._write(step=step, summary=histogram_of(tag, values))

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


def histogram_of(tag: str, values: Floats) -> Any:
    """Returns the summary of the distribution of numbers, as tensorboard's `histogram` plugin reads it.

    It has 30 buckets of equal width, each with its edges and its count, float64 `(30, 3)`. If all numbers are equal,
    the last bucket holds them.
    """
    from tensorboard.compat.proto import summary_pb2, types_pb2

    lowest, highest = float(values.min()), float(values.max())
    if lowest < highest:
        counts, edges = np.histogram(values, _BUCKETS, (lowest, highest))
    else:
        counts, edges = np.array([0] * (_BUCKETS - 1) + [values.size]), np.full(_BUCKETS + 1, lowest)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1).astype("<f8")
    summary = summary_pb2.Summary()
    value = summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = "histograms"
    value.tensor.dtype = types_pb2.DT_DOUBLE
    value.tensor.tensor_content = buckets.tobytes()
    for size in buckets.shape:
        value.tensor.tensor_shape.dim.add(size=size)
    return summary


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


def require_own_folder(summaries_dir: str) -> None:
    """Raises OptionError if a folder holds anything but an earlier run's events."""
    folder = Path(summaries_dir)
    entries = [entry for entry in folder.glob("*") if not is_unfinished(entry.name)] if folder.is_dir() else []
    for entry in sorted(entries):
        ours = entry.name in (TRAIN, VALIDATION) and entry.is_dir()
        found = list(entry.iterdir()) if ours else [entry]
        others = [path for path in found if not path.name.endswith((SUFFIX, GRAPH_SUFFIX))]
        if others:
            raise OptionError(
                f"--summaries_dir: expected a new folder or that of an earlier run, received '{shown(summaries_dir)}', "
                f"which holds '{shown(others[0].relative_to(folder))}'.",
                "Name a folder of its own, such as tf_files/retrain_logs.",
            )
