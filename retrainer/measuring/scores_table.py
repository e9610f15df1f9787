"""The table of out-of-fold scores: every photo with the scores of a head that did not see it, as Parquet."""

import io
import json
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from retrainer.arrays import Digests, Floats, Integers
from retrainer.measuring.cross_validation import CrossValidation
from retrainer.photos.dataset import Dataset
from retrainer.system.files import open_regular
from retrainer.system.process import keep_pandas_out

FORMAT, TABLE = b"1", b"scores"


@dataclass(frozen=True, eq=False)
class ScoresTable:
    """Photos, and their scores by a cross-validation.

    Attributes:
        dataset: N photos of C classes.
        cross_validation: The scores of the same N photos.
    """

    dataset: Dataset
    cross_validation: CrossValidation

    def to_parquet(self, model_id: str) -> bytes:
        """Returns the content of the file: a row for each photo, in the order of the dataset.

        Args:
            model_id: The identity of the model that the same run makes of the same photos.
        """
        import pyarrow
        from pyarrow import parquet

        dataset, measured = self.dataset, self.cross_validation
        width = len(dataset.labels)
        element = pyarrow.field("element", pyarrow.float32())
        scores = pyarrow.array(np.ascontiguousarray(measured.scores, np.float32).reshape(-1))
        columns = {
            "path": pyarrow.array(map(_text, dataset.paths), pyarrow.string()),
            "sha256": pyarrow.array([digest.tobytes() for digest in dataset.digests], pyarrow.binary(32)),
            "label": pyarrow.array([dataset.labels[label_id] for label_id in dataset.label_ids], pyarrow.string()),
            "fold": pyarrow.array(measured.tested_by.astype(np.int32)),
            "scores": pyarrow.FixedSizeListArray.from_arrays(scores, type=pyarrow.list_(element, width)),
        }
        stated = {b"retrainer": FORMAT, b"table": TABLE, b"model_id": model_id, b"labels": json.dumps(dataset.labels)}
        table = pyarrow.table(columns).replace_schema_metadata(stated)
        content = io.BytesIO()
        parquet.write_table(table, content, compression="NONE", write_page_checksum=True)
        return content.getvalue()


@dataclass(frozen=True, eq=False)
class StoredScores:
    """The content of a table of scores.

    Attributes:
        model_id: The identity of the model that the same run made.
        labels: C labels.
        paths: N photos, as they were found; bytes that are not UTF-8 are escaped.
        digests: SHA-256 of their bytes, `(N, 32)`.
        label_ids: Their own classes, `(N,)`.
        folds: The fold that tested each, `(N,)`, from 1.
        scores: Their scores, `(N, C)`, 0 to 1.
    """

    model_id: str
    labels: tuple[str, ...]
    paths: list[str]
    digests: Digests
    label_ids: Integers
    folds: Integers
    scores: Floats


def read_scores(path: str | PathLike[str]) -> StoredScores:
    """Reads what `ScoresTable.to_parquet` returned.

    Raises:
        OSError: the file is not there, or may not be read.
        ValueError: it is no such table.
    """
    from pyarrow import parquet

    keep_pandas_out()
    with open_regular(path) as content, parquet.ParquetFile(content, page_checksum_verification=True) as file:
        table = file.read()
    stated = table.schema.metadata or {}
    if (stated.get(b"retrainer"), stated.get(b"table")) != (FORMAT, TABLE):
        raise ValueError("expected a table of scores")
    try:
        if any(table[name].null_count for name in ("path", "sha256", "label", "fold")):
            raise TypeError("a cell is empty")
        labels = tuple(map(str, json.loads(stated[b"labels"])))
        numbers = {label: number for number, label in enumerate(labels)}
        return StoredScores(
            stated[b"model_id"].decode(),
            labels,
            table["path"].to_pylist(),
            np.frombuffer(b"".join(table["sha256"].to_pylist()), np.uint8).reshape(-1, 32),
            np.array([numbers[label] for label in table["label"].to_pylist()], np.int64),
            table["fold"].to_numpy().astype(np.int64),
            _vectors(table["scores"], len(labels)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("expected the columns and facts of a table of scores") from error


def _vectors(column: Any, width: int) -> Floats:
    """A column of lists as an array, `(N, width)`; `flatten` would import pyarrow.compute."""
    rows = [one.values.slice(one.offset * width, len(one) * width).to_numpy() for one in column.chunks]
    return np.concatenate([np.empty(0, np.float32), *rows]).reshape(-1, width)


def _text(path: str) -> str:
    """A path whose bytes that are not UTF-8 are escaped, as in the table of files of the cache."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
