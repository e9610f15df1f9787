"""Out-of-fold scores stay beside the model that they belong to, and nowhere else."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Configure, Photos

from retrainer import retrain
from retrainer.errors import OutputError
from retrainer.models.graph import graphdef
from retrainer.output_formats import SCORES, paths_beside
from retrainer.previous_model import previous_path


def model_id(graph: str) -> str:
    """The identity of a model."""
    metadata = graphdef.metadata_of(graphdef.read_graph(graph), graph)
    assert metadata
    return metadata.model_id


def stated(path: Path) -> dict[str, str]:
    """What the metadata of a table says, without what Arrow and pandas add."""
    metadata = pq.read_schema(path).metadata
    return {key.decode(): value.decode() for key, value in metadata.items()}


def test_the_scores_of_all_photos_are_kept(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    result = retrain(configured(root, folds=4))
    path = Path(result.files["scores"])
    assert path == Path(result.graph).with_name("graph.scores.parquet")
    table = pq.read_table(path)
    assert table.schema.names == ["path", "sha256", "label", "fold", "scores"]
    assert stated(path) == {
        "retrainer": "1",
        "table": "scores",
        "model_id": model_id(result.graph),
        "labels": json.dumps(result.labels),
    }
    rows = table.to_pylist()
    assert [row["path"] for row in rows] == sorted(str(path) for path in root.rglob("*.jpg"))
    assert all(row["sha256"] == hashlib.sha256(Path(row["path"]).read_bytes()).digest() for row in rows)
    assert all(row["label"] == Path(row["path"]).parent.name for row in rows)
    assert {row["fold"] for row in rows} == {1, 2, 3, 4}
    assert result.cross_validation
    scores = np.array([row["scores"] for row in rows])
    assert scores == pytest.approx(result.cross_validation.scores)
    right = [result.labels[row["scores"].index(max(row["scores"]))] == row["label"] for row in rows]
    folds = np.array([row["fold"] for row in rows])
    accuracies = [np.array(right)[folds == number].mean() for number in (1, 2, 3, 4)]
    assert accuracies == pytest.approx(result.cross_validation.accuracies)


def test_names_that_are_not_utf8_are_escaped(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    os.rename(root / "red" / "000.jpg", os.fsencode(root / "red") + b"/\xff.jpg")
    paths = pq.read_table(retrain(configured(root, folds=4)).files["scores"])["path"].to_pylist()
    assert f"{root}/red/\\udcff.jpg" in paths


def test_the_scores_of_another_model_do_not_stay_beside_a_new_one(photos: Photos, configured: Configure) -> None:
    options = configured(photos(count=20), folds=4)
    path, kept = (
        paths_beside(options.output_graph)[SCORES],
        paths_beside(str(previous_path(options.output_graph)))[SCORES],
    )

    def run(**given: object) -> tuple[bool, bool]:
        """Which tables there are after a run, of the model and of the one that it replaced."""
        result = retrain(replace(options, **given))  # type: ignore[arg-type]
        assert ("scores" in result.files) == path.exists()
        return path.exists(), kept.exists()

    assert run() == (True, False)
    first = path.read_bytes()
    assert run() == (True, False)
    assert run(how_many_training_steps=5) == (True, True)
    assert kept.read_bytes() == first
    for table, graph in ((path, options.output_graph), (kept, str(previous_path(options.output_graph)))):
        assert stated(table)["model_id"] == model_id(graph)
    assert run(folds=0) == (False, True)
    assert stated(kept)["model_id"] == model_id(str(previous_path(options.output_graph)))
    assert run(folds=0, how_many_training_steps=6) == (False, False)
    path.write_bytes(first)
    assert run(folds=0, how_many_training_steps=6) == (False, False)


def test_scores_are_written_whole_or_not_at_all(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(photos(count=20), folds=4)
    retrain(options)
    folder = Path(options.output_graph).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def failing(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retrainer.retraining.require_outputs", lambda bundle, options: None)
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError, match="No space left"):
        retrain(replace(options, how_many_training_steps=5))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_folder_in_the_place_of_the_scores_is_found_before_the_work(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    paths_beside(options.output_graph)[SCORES].mkdir(parents=True)
    with pytest.raises(OutputError, match=r"graph\.scores\.parquet': expected a file's name, received a folder"):
        retrain(options)


def test_the_name_of_the_scores_follows_from_the_models() -> None:
    assert paths_beside("tf_files/retrained_graph.pb")[SCORES] == Path("tf_files/retrained_graph.scores.parquet")
    assert (
        paths_beside("m.tflite")[SCORES]
        == paths_beside("m.pb")[SCORES]
        == paths_beside("m")[SCORES]
        == Path("m.scores.parquet")
    )
