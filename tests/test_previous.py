"""The model that a run replaces stays beside the new one, even if the run fails, and both are measured."""

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Configure, Photos

from retrainer import Labeler, LabelOptions, Retraining, retrain
from retrainer.backbones.available import find_bundle
from retrainer.cli.summary import summary
from retrainer.cli.words import previous_lines
from retrainer.errors import OptionError, OutputError, PictureError
from retrainer.measuring.paired import sign_test
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.models.twins import twins
from retrainer.output_formats import SCORES, paths_beside
from retrainer.photos.parts import Part
from retrainer.previous_model import PreviousModel, kept_paths, previous_path
from retrainer.training.head import Head

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def contents(folder: Path) -> dict[str, bytes]:
    """The files of models and labels in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def old_and_new(result: Retraining) -> PreviousModel:
    """The comparison of a run's model with the one that it replaced."""
    assert result.previous is not None
    return result.previous


def test_another_model_is_kept_and_the_same_is_not(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos(count=30))
    assert retrain(options).previous is None
    before = contents(tmp_path / "out")
    assert retrain(options).previous is None
    assert contents(tmp_path / "out") == before
    result = retrain(replace(options, how_many_training_steps=5))
    after = contents(tmp_path / "out")
    kept = {
        "graph.previous.pb": "graph.pb",
        "graph.previous.tflite": "graph.tflite",
        "labels.previous.txt": "labels.txt",
        "graph.previous.run.json": "graph.run.json",
    }
    assert {name: after[name] for name in kept} == {name: before[old] for name, old in kept.items()}
    assert set(after) == {*kept, *kept.values()}
    assert old_and_new(result).graph == str(tmp_path / "out" / "graph.previous.pb")
    assert Labeler(LabelOptions(graph=result.previous.graph)).labels == result.labels  # type: ignore[union-attr]


def test_one_generation_is_kept(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos())
    for steps in (5, 6, 7):
        before = contents(tmp_path / "out") if (tmp_path / "out").exists() else {}
        retrain(replace(options, how_many_training_steps=steps))
    after = contents(tmp_path / "out")
    assert len(after) == 8
    assert after["graph.previous.pb"] == before["graph.pb"]


@pytest.mark.parametrize("name", ["m.pb", "m.tflite", "m", "m.v1", "m.v1.pb", ".pb"])
def test_the_twin_of_a_kept_model_is_found_by_the_same_rule(name: str) -> None:
    places = kept_paths(name, "labels.txt")
    graph, twin = twins(name)
    assert (places[graph], places[twin]) == twins(str(previous_path(name)))
    assert places[paths_beside(name)[SCORES]] == paths_beside(str(previous_path(name)))[SCORES]
    assert len({*places, *places.values()}) == 10


def test_both_are_measured_on_the_same_test_photos(photos: Photos, configured: Configure) -> None:
    options = configured(photos(COLOURS, count=40), learning_rate=1.0)
    # A model that takes every photo for one class, and then one that is right.
    retrain(replace(options, how_many_training_steps=1, learning_rate=1e-9))
    result = retrain(options)
    previous = old_and_new(result)
    assert (previous.problem, previous.added, previous.removed, previous.left_out) == ("", (), (), 0)
    assert previous.count == result.count
    assert previous.new_accuracy == result.accuracy == 1.0
    assert previous.old_accuracy < 1.0
    assert previous.interval[0] < previous.difference == 1.0 - previous.old_accuracy < previous.interval[1]
    assert (previous.only_new_right, previous.only_old_right) == (
        round((1 - previous.old_accuracy) * previous.count),
        0,
    )
    lines = "\n".join(summary(result))
    assert f"Previous model    {previous.graph}\n" in lines
    assert f"on the same {previous.count} test photo" in " ".join(lines.split())


def test_added_and_removed_classes_are_named_and_the_others_compared(photos: Photos, configured: Configure) -> None:
    root = photos(COLOURS, count=30)
    options = configured(root)
    retrain(options)
    (root / "blue").rename(root.parent / "blue")
    photos({"white": (200, 200, 200)}, count=30)
    result = retrain(options)
    previous = old_and_new(result)
    assert (previous.added, previous.removed) == (("white",), ("blue",))
    assert 0 < previous.count < result.count
    assert previous.new_accuracy == previous.old_accuracy == 1.0
    assert "New classes: white." in "\n".join(summary(result))


def test_a_labels_file_without_its_model_is_kept_and_is_no_previous_model(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    options = configured(photos())
    Path(options.output_labels).parent.mkdir()
    Path(options.output_labels).write_text("of another model\n")
    assert retrain(options).previous is None
    assert previous_path(options.output_labels).read_text() == "of another model\n"


@pytest.mark.parametrize(("seconds", "scored"), [(60.0, 3), (0.0, 1)])
def test_another_backbone_labels_as_many_photos_as_time_allows(
    seconds: float, scored: int, photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(photos(count=40), testing_percentage=30)
    retrain(replace(options, architecture="pocket"))
    monkeypatch.setattr("retrainer.previous_model._MOST_PHOTOS", 3)
    monkeypatch.setattr("retrainer.previous_model._SECONDS", seconds)
    assert old_and_new(retrain(options)).count == scored


def test_a_photo_that_is_gone_is_not_compared(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(photos(count=40), testing_percentage=30)
    retrain(replace(options, architecture="pocket"))
    scores_of_all, first = Labeler.scores_of_all, list[Any]()

    def without_the_first(labeler: Labeler, paths: Sequence[str]) -> Iterator[Any]:
        first.append(len(paths))
        yield PictureError("the file is gone")
        yield from scores_of_all(labeler, paths[1:])

    monkeypatch.setattr(Labeler, "scores_of_all", without_the_first)
    assert old_and_new(retrain(options)).count == first[0] - 1


def test_a_model_of_another_tool_is_kept_and_not_compared(
    photos: Photos, configured: Configure, model_dir: Path, tmp_path: Path
) -> None:
    options = configured(photos())
    (tmp_path / "out").mkdir()
    bundle = find_bundle(options.backbone.network, str(model_dir))
    (tmp_path / "out" / "graph.tflite").write_bytes(bundle.tflite_path.read_bytes())
    previous = old_and_new(retrain(options))
    assert previous.graph == str(tmp_path / "out" / "graph.previous.tflite")
    assert previous.problem == "it does not state its labels"


def test_models_of_other_classes_cannot_be_compared(photos: Photos, configured: Configure) -> None:
    retrain(configured(photos({"blue": (30, 30, 200), "white": (200, 200, 200)}, root="others")))
    previous = old_and_new(retrain(configured(photos())))
    assert "fewer than two classes in common" in previous.problem


def test_test_photos_that_the_old_model_learnt_from_are_left_out(photos: Photos, configured: Configure) -> None:
    root = photos(count=60)
    options = configured(root)
    retrain(options)
    result = retrain(replace(options, seed=1))
    previous = old_and_new(result)
    assert previous.left_out > 0
    assert previous.left_out + previous.count == result.count
    # What validated chose the old head, and trained it, too.
    graphs = previous.graph, result.graph
    kept, new = (RememberedSplit.from_metadata(Labeler(LabelOptions(graph=graph)).metadata.split) for graph in graphs)
    assert kept is not None
    assert new is not None
    hashed = [sha256(path.read_bytes()).digest() for path in root.rglob("*.jpg")]
    digests = np.frombuffer(b"".join(hashed), np.uint8).reshape(-1, 32)
    tested = new.known_parts(digests) == Part.TESTING
    parts = kept.known_parts(digests)
    assert (parts[tested] == Part.VALIDATION).any()
    assert previous.left_out == (parts[tested] != Part.TESTING).sum()
    assert "test photos that the old model learnt from are" in "\n".join(summary(result))


def test_a_model_with_another_backbone_labels_the_photos(photos: Photos, configured: Configure) -> None:
    options = configured(photos(count=40))
    retrain(replace(options, architecture="pocket"))
    previous = old_and_new(retrain(options))
    assert previous.problem == ""
    assert previous.count > 0
    assert previous.new_accuracy == 1.0


@pytest.mark.parametrize("damage", [b"", b"no model", None])
def test_a_damaged_model_is_kept_and_stops_no_run(
    damage: bytes | None, photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    options = configured(photos())
    if damage is None:  # a model, and one page of its twin is zeros
        retrain(replace(options, how_many_training_steps=5))
        twin = bytearray((tmp_path / "out" / "graph.tflite").read_bytes())
        twin[100:300] = bytes(200)
        (tmp_path / "out" / "graph.tflite").write_bytes(twin)
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "graph.pb").write_bytes(damage)
    before = contents(tmp_path / "out")
    result = retrain(options)
    previous = old_and_new(result)
    assert previous.problem == f"'{previous.graph}' has no .tflite of the same model beside it"
    assert "The two cannot be compared: " in " ".join(" ".join(summary(result)).split())
    after = contents(tmp_path / "out")
    assert after["graph.previous.pb"] == before["graph.pb"]
    assert Labeler(LabelOptions(graph=result.graph)).labels == ("green", "red")


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (0, 2)])
def test_a_head_that_does_not_fit_stops_no_run(
    shape: tuple[int, int], photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model can be sealed and still be wrong."""
    options = configured(photos())
    retrain(replace(options, how_many_training_steps=5))
    lying = Head(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32))
    monkeypatch.setattr("retrainer.models.tflite.heads.head_of", lambda content: lying)
    assert "its head fits neither" in old_and_new(retrain(options)).problem


@pytest.mark.parametrize(("links", "fails_at"), [*((True, number) for number in range(1, 8)), (False, 1), (False, 3)])
def test_wherever_writing_ends_a_whole_model_is_there(
    links: bool, fails_at: int, photos: Photos, configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(photos())
    retrain(options)
    before, calls = contents(tmp_path / "out"), 0
    monkeypatch.setattr("retrainer.retraining.require_outputs", lambda bundle, options: None)
    real = {name: getattr(os, name) for name in ("replace", "link")}

    def failing(name: str) -> None:
        def call(source: object, target: object) -> None:
            nonlocal calls
            if str(tmp_path / "out" / "graph") in str(target) or "labels" in str(target):
                calls += 1
                if calls == fails_at:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if name == "link" and not links:
                raise OSError(errno.EPERM, os.strerror(errno.EPERM))
            real[name](source, target)

        monkeypatch.setattr(os, name, call)

    failing("replace")
    failing("link")
    try:
        retrain(replace(options, how_many_training_steps=5))
    except OutputError:
        assert calls == fails_at
    after = contents(tmp_path / "out")
    assert set(before) <= set(after)
    assert Labeler(LabelOptions(graph=str(tmp_path / "out" / "graph.pb"))).labels == ("green", "red")
    assert before["graph.pb"] in (after["graph.pb"], after.get("graph.previous.pb"))
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".unfinished")]
    monkeypatch.undo()
    retrain(replace(options, how_many_training_steps=5))
    after = contents(tmp_path / "out")
    for name in ("graph.pb", "graph.tflite", "labels.txt"):
        kept = previous_path(name).name
        assert after.get(kept, before[name]) == before[name]
    assert after["graph.pb"] != before["graph.pb"]
    assert "graph.previous.pb" in after
    assert "graph.previous.tflite" in after


def test_outputs_that_would_overwrite_what_is_kept_are_refused(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    with pytest.raises(OptionError, match="expected different files"):
        retrain(replace(options, output_labels=str(previous_path(options.output_graph))))


def test_the_summary_ends_with_the_accuracies_and_their_difference() -> None:
    previous = PreviousModel(
        "m.pb",
        count=301,
        old_accuracy=0.8605,
        new_accuracy=0.917,
        only_new_right=23,
        only_old_right=6,
        interval=(0.0212, 0.0914),
    )
    lines = [line[18:] for line in previous_lines(previous)]
    assert " ".join(lines[1:]) == (
        "Before 86.1 %, now 91.7 % on the same 301 test photos (difference 5.6, 2.1 to 9.1). "
        "Only the new model gets 23 right, only the old one 6."
    )
    worse = replace(previous, count=1, old_accuracy=1.0, new_accuracy=0.9996, interval=(-0.0004, 0.0003))
    changed = " ".join(line[18:] for line in previous_lines(replace(worse, added=("orchid",))))
    assert "on the same 1 test photo of the classes of both (difference 0.0, 0.0 to 0.0)." in changed
    assert changed.startswith("m.pb New classes: orchid. ")
    for count, photos, verb in ((1, "1 test photo", "is"), (1200, "1,200 test photos", "are")):
        lines = [line[18:] for line in previous_lines(replace(previous, left_out=count))]
        left_out = f"{photos} that the old model learnt from {verb} left out. Before"
        assert " ".join(lines[1:]).startswith(left_out)


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(5, 0) == sign_test(0, 5) == 2 / 32
    assert sign_test(6, 0) == 2 / 64
    assert np.isclose(sign_test(8, 2), 2 * (1 + 10 + 45) / 1024)
    assert not PreviousModel("m.pb", only_new_right=6).is_chance
    assert PreviousModel("m.pb", only_new_right=5).is_chance
