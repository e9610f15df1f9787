import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Command, Configure, Photos, jpeg
from pyarrow import parquet

import retrainer.measuring.remembered_split
from retrainer import Labeler, retrain
from retrainer.backbones.available import find_bundle
from retrainer.errors import DatasetError, OptionError
from retrainer.evaluation import evaluate
from retrainer.events import Event, Noted, PhotoSkipped, Warned, silent
from retrainer.models.tflite import heads
from retrainer.models.tflite.associated_files import metadata_of
from retrainer.options.model import EvaluateOptions
from retrainer.results.evaluation import Evaluation
from retrainer.training.head import Head


def evaluated(graph: str, image_dir: str | Path = "", observer=silent) -> Evaluation:  # type: ignore[no-untyped-def]
    return evaluate(EvaluateOptions(graph=graph, image_dir=str(image_dir)), on_progress=observer)


def test_a_models_own_folder_is_measured_by_its_test_photos(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(count=40)))
    for image_dir in ("", photos(count=40)):
        for graph in (result.graph, result.tflite):
            evaluation = evaluated(graph, image_dir)
            assert evaluation.part == "test"
            assert evaluation.learnt == 0
            assert evaluation.labels == ("green", "red")
            assert evaluation.assessment.count == result.count
            assert result.test
            assert evaluation.assessment.log_loss == pytest.approx(result.test.log_loss, abs=1e-4)


@pytest.mark.parametrize("split_by", ["content", "path"])
def test_the_test_photos_are_remembered_where_the_folder_moves_and_grows(
    photos: Photos, configured: Configure, tmp_path: Path, split_by: str
) -> None:
    root = photos(count=25)
    result = retrain(configured(root, split_by=split_by, seed=3, testing_percentage=30))
    moved = tmp_path / "moved"
    shutil.move(root, moved)
    assert result.test
    counts = [figures.support for figures in result.test.classes]
    evaluation = evaluated(result.graph, moved)
    assert (evaluation.part, [figures.support for figures in evaluation.assessment.classes]) == ("test", counts)
    for number in range(30):
        (moved / "red" / f"more {number}.jpg").write_bytes(jpeg((180, number, 90)))
    grown = evaluated(result.graph, moved)
    assert (grown.part, grown.left_out, grown.learnt) == ("unseen", 50 - sum(counts), 0)
    assert [figures.support for figures in grown.assessment.classes] == [counts[0], counts[1] + 30]


def test_borrowed_photos_are_remembered(photos: Photos, configured: Configure) -> None:
    """With four photos a class hardly any has a test photo of its own."""
    classes = {f"c{number}": (10 + 20 * number, 250 - 20 * number, 128) for number in range(8)}
    result = retrain(configured(photos(classes, count=4)))
    assert result.test
    evaluation = evaluated(result.graph)
    supports = [figures.support for figures in result.test.classes]
    assert [figures.support for figures in evaluation.assessment.classes] == supports
    assert all(supports)


def test_another_folder_is_measured_whole(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos()))
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=9, root="other")
    for path in sorted((other / "green").glob("*"))[:3]:
        path.rename(other / "red" / f"green {path.name}")
    (other / "red" / "empty.jpg").write_bytes(b"")
    events: list[Event] = []
    evaluation = evaluated(result.graph, other, events.append)
    assert (evaluation.part, evaluation.skipped, evaluation.assessment.count) == ("all", 1, 18)
    assert evaluation.assessment.accuracy == pytest.approx(15 / 18)
    assert evaluation.assessment.confusion == ((6, 0), (3, 9))
    assert {(mistake.label, mistake.predicted) for mistake in evaluation.mistakes} == {("red", "green")}
    scores = [mistake.score for mistake in evaluation.mistakes]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert [event.path for event in events if isinstance(event, PhotoSkipped)] == [str(other / "red" / "empty.jpg")]
    assert not [event for event in events if isinstance(event, Warned)]


def test_what_the_model_saw_is_left_out_of_another_folder(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    result = retrain(configured(root))
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=9, root="other")
    for path in sorted((root / "red").glob("*")):
        shutil.copy(path, other / "red" / f"known {path.name}")
    (other / "green" / "broken.jpg").write_bytes(b"no photo")
    assert result.test
    tested = result.test.classes[1].support
    events: list[Event] = []
    evaluation = evaluated(result.graph, other, events.append)
    assert (evaluation.part, evaluation.left_out, evaluation.learnt) == ("unseen", 20 - tested, 0)
    assert [figures.support for figures in evaluation.assessment.classes] == [9, 9 + tested]
    (noted,) = [event.message for event in events if isinstance(event, Noted)]
    pattern = (
        rf"Left out {20 - tested} of 38 photos of '.*other': the model learnt from (\d+) and was chosen by (\d+)\. "
        rf"Measured are {tested} of its test photos and 18 that are new to it"
    )
    found = re.fullmatch(pattern, noted)
    assert found
    assert sum(map(int, found.groups())) == 20 - tested


def test_a_small_part_of_a_large_folder_is_not_the_models_own(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    root = photos(count=80)
    for path in sorted(root.glob("*/*"))[::8]:
        (tmp_path / "few" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "few" / path.parent.name)
    result = retrain(configured(tmp_path / "few"))
    evaluation = evaluated(result.graph, root)
    assert evaluation.assessment.count == 160 - (20 - result.count)


@pytest.mark.parametrize("split_by", ["content", "path"])
def test_of_more_photos_than_are_remembered_the_split_tells(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch, split_by: str
) -> None:
    monkeypatch.setattr(retrainer.measuring.remembered_split, "_KEPT", 20)
    root = photos(count=60)
    result = retrain(configured(root, split_by=split_by))
    evaluation = evaluated(result.graph)
    assert (evaluation.part, evaluation.assessment.count, evaluation.left_out) == (
        "test",
        result.count,
        120 - result.count,
    )
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=9, root="other")
    assert evaluated(result.graph, other).assessment.count == 18
    shutil.copytree(root / "red", other / "red", dirs_exist_ok=True)
    for number in range(90):
        (other / "green" / f"more {number}.jpg").write_bytes(jpeg((90, number, 180)))
    events: list[Event] = []
    mixed = evaluated(result.graph, other, events.append)
    assert mixed.left_out > 0
    assert any("its figures are too good" in event.message for event in events if isinstance(event, Warned)) == bool(
        mixed.learnt
    )


def test_the_folder_holds_the_models_own_classes(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos()))
    other = photos({"violet": (200, 0, 200)}, root="other")
    with pytest.raises(DatasetError, match="'violet' stands for the label 'violet'; expected one of green, red"):
        evaluated(result.graph, other)
    one = photos({"red": (150, 20, 20)}, root="one")
    assert evaluated(result.graph, one).assessment.accuracy == 1.0


@pytest.mark.parametrize(
    ("labels", "folders"),
    [
        ("Green Leaf \r\nRED\r\n", ("green_leaf", "red")),
        ("0 green\n1 red\n", ("green", "red")),
        ("green\nred\n", ("Green", "1_red")),
    ],
)
def test_folders_and_a_labels_file_may_spell_labels_otherwise(
    photos: Photos, configured: Configure, command: Command, tmp_path: Path, labels: str, folders: tuple[str, str]
) -> None:
    result = retrain(configured(photos()))
    (tmp_path / "labels.txt").write_bytes(labels.encode())
    other = photos({folders[0]: (20, 120, 20), folders[1]: (120, 20, 20)}, count=4, root="other")
    done = command("evaluate", "--graph", result.graph, "--labels", "labels.txt", "--image_dir", other)
    assert done.stdout.startswith("Accuracy: 1\n"), done.stderr


def test_two_folders_of_one_label_are_not_measured(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos()))
    other = photos({"red": (120, 20, 20), "Red!": (20, 120, 20)}, root="other")
    with pytest.raises(DatasetError, match="Folders 'Red!' and 'red' both stand for 'red'"):
        evaluated(result.graph, other)


def test_a_part_of_the_own_folder_is_measured_by_its_test_photos(photos: Photos, configured: Configure) -> None:
    root = photos(count=40)
    result = retrain(configured(root))
    for path in sorted(root.glob("*/*"))[::3]:
        path.unlink()
    evaluation = evaluated(result.graph, root)
    assert (evaluation.part, evaluation.learnt) == ("test", 0)
    assert evaluation.assessment.count < result.count


@pytest.mark.parametrize("kept", [100_000, 20])
def test_photos_of_a_split_by_names_that_have_changed_are_known_by_their_bytes(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: int
) -> None:
    monkeypatch.setattr(retrainer.measuring.remembered_split, "_KEPT", kept)
    photos(count=40)
    # The split depends on the path, which must not depend on the test's temporary folder.
    monkeypatch.chdir(tmp_path)
    root = Path("photos")
    result = retrain(configured(root, split_by="path"))
    assert evaluated(result.graph).part == "test"
    for number, path in enumerate(sorted(root.glob("*/*"))):
        path.rename(path.with_name(f"renamed {number}.jpg"))
    events: list[Event] = []
    evaluation = evaluated(result.graph, root, events.append)
    messages = [event.message for event in events if isinstance(event, Warned)]
    if kept > 80:
        assert (evaluation.part, evaluation.assessment.count) == ("test", result.count)
        assert not messages
    else:
        assert evaluation.assessment.count >= 60
        assert evaluation.learnt > 0.5
        assert "were renamed after the split" in messages[0]
        assert "its figures are too good" in messages[1]


def test_a_broken_file_in_the_models_own_folder_is_no_new_photo(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    (root / "red" / "broken.jpg").write_bytes(b"no photo")
    (root / "red" / "gone.jpg").symlink_to("nowhere")
    result = retrain(configured(root))
    evaluation = evaluated(result.graph)
    assert (evaluation.part, evaluation.assessment.count, evaluation.skipped) == ("test", result.count, 2)


def test_a_folder_whose_name_is_not_utf_8_is_measured_where_it_is_named(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    root = photos(count=20).rename(tmp_path / os.fsdecode(b"pho\xfftos"))
    for split_by in ("content", "path"):
        result = retrain(configured(root, split_by=split_by, testing_percentage=30))
        for graph in (result.graph, result.tflite):
            evaluation = evaluated(graph)
            assert (evaluation.part, evaluation.assessment.count) == ("test", result.count)


@pytest.mark.parametrize("share", [1, 2])
def test_copies_in_a_split_by_path_are_no_changed_names(photos: Photos, configured: Configure, share: int) -> None:
    root = photos(count=60)
    for path in sorted(root.glob("*/*"))[::share]:
        shutil.copy(path, path.with_name(f"copy_{path.name}"))
    result = retrain(configured(root, split_by="path"))
    events: list[Event] = []
    evaluation = evaluated(result.graph, observer=events.append)
    assert (evaluation.part, evaluation.assessment.count) == ("test", result.count)
    assert evaluation.learnt > 0.2
    assert any("its figures are too good" in event.message for event in events if isinstance(event, Warned))


def test_a_folder_that_is_gone_is_asked_for(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    root = photos()
    result = retrain(configured(root))
    root.rename(tmp_path / "moved")
    with pytest.raises(
        OptionError, match=r"learnt from '.*photos'; expected that folder, found none\.\nGive its"
    ) as error:
        evaluated(result.graph)
    assert error.value.path
    assert Path(error.value.path).name == "photos"


def test_a_folder_without_photos_is_skipped_as_in_training(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    (root / "notes").mkdir()
    (root / "notes" / "readme.txt").write_text("No photo.")
    result = retrain(configured(root))
    events: list[Event] = []
    assert evaluated(result.graph, observer=events.append).assessment.count == result.count
    assert "No readable photos in 'notes': the folder is skipped." in [
        event.message for event in events if isinstance(event, Warned)
    ]


def test_there_must_be_something_to_measure(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(photos(), testing_percentage=0))
    with pytest.raises(DatasetError, match=r"No readable test photos in .*\nGive another folder as --image_dir"):
        evaluated(result.graph)
    with pytest.raises(OptionError, match="--image_dir"):
        evaluated(result.graph, tmp_path / "absent")
    (tmp_path / "empty" / "red").mkdir(parents=True)
    (tmp_path / "empty" / "red" / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(DatasetError, match="No readable photos in"):
        evaluated(result.graph, tmp_path / "empty")


def test_evaluate_prints_what_was_measured(photos: Photos, configured: Configure, command: Command) -> None:
    root = photos(count=40)
    result = retrain(configured(root))
    done = command("evaluate", "--graph", result.graph)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "Accuracy: 1"
    assert lines[1].startswith("Cross Entropy: 0.")
    assert lines[2] == f"Photos: {result.count}"
    assert max(map(len, (line for line in lines if str(root) not in line))) <= 80
    assert "1 green" in done.stdout
    document = json.loads(command("evaluate", "--graph", result.graph, "--json").stdout)
    assert document["part"] == "test"
    assert document["assessment"]["accuracy"] == 1.0
    assert document["assessment"]["confusion"][0][1] == 0
    assert document["mistakes"] == []


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_mistakes_are_a_table_with_all_scores(
    ending: str, photos: Photos, configured: Configure, command: Command, tmp_path: Path
) -> None:
    result = retrain(configured(photos(count=20)))
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=10, root="other")
    (other / "green" / "000.jpg").rename(other / "red" / "=green\n.jpg")
    file = f"mistakes.{ending}"
    done = command("evaluate", "--graph", result.graph, "--image_dir", "other", "--mistakes", file)
    assert done.returncode == 0, done.stderr
    assert f"Surest mistakes, of 1; '{file}' lists all:" in done.stdout
    read: dict[str, Callable[[Path], Any]] = {
        "csv": lambda path: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())),
        "json": lambda path: json.loads(path.read_bytes())["rows"],
        "jsonl": lambda path: [json.loads(path.read_bytes())],
        "parquet": lambda path: parquet.read_table(path).to_pylist(),
    }
    (row,) = read[ending](tmp_path / file)
    names = ["path", "label", "predicted", "score", "score_of_green", "score_of_red"]
    assert list(row) == names
    assert [row[name] for name in names[:3]] == [r"other/red/=green\u000a.jpg", "red", "green"]
    scores = Labeler(result.graph).scores((other / "red" / "=green\n.jpg").read_bytes())
    assert [np.float32(row[name]) for name in names[4:]] == pytest.approx(scores.tolist(), abs=1e-6)
    assert row["score"] == row["score_of_green"]
    done = command("evaluate", "--graph", result.graph, "--image_dir", "other", "--mistakes", "mistakes.txt")
    assert done.returncode == 2
    assert "--mistakes: expected a name that ends with one of .csv, .json, .jsonl, .ndjson, .parquet" in done.stderr


def test_an_accuracy_below_what_is_asserted_is_exit_code_3(
    photos: Photos, configured: Configure, command: Command
) -> None:
    root = photos(count=20)
    result = retrain(configured(root))
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=10, root="other")
    (other / "green" / "000.jpg").rename(other / "red" / "green.jpg")
    asked = ("evaluate", "--graph", result.graph, "--image_dir", other, "--assert_accuracy_at_least")
    assert command(*asked, "0.95").returncode == 0
    done = command(*asked, "0.96")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "Error: --assert_accuracy_at_least: expected at least 0.96, received 0.9500."
    assert "green.jpg: green (score=" in done.stdout
    assert command(*asked, "95").returncode == 2


def test_a_model_that_remembers_nothing_wants_a_folder(
    photos: Photos, configured: Configure, model_dir: Path, tmp_path: Path
) -> None:
    result = retrain(configured(photos()))
    metadata = metadata_of(result.tflite)
    assert metadata
    path = tmp_path / "older.tflite"
    head = Head(np.eye(3, 2, dtype=np.float32), np.zeros(2, np.float32))
    bundle = find_bundle(COLOURS, str(model_dir))
    path.write_bytes(heads.with_head(bundle.tflite_path, head, replace(metadata, split={})))
    with pytest.raises(OptionError, match=r"--image_dir is missing: expected a folder of photos; .* remembers none"):
        evaluated(str(path))
    assert evaluated(str(path), photos()).part == "all"


def test_the_table_that_the_model_learnt_from_is_not_overwritten(
    photos: Photos, configured: Configure, command: Command, tmp_path: Path
) -> None:
    folder = photos(count=20)
    table, lines = tmp_path / "photos.csv", ["path,label"]
    table.write_text("\n".join([*lines, *(f"{one},{one.parent.name}" for one in sorted(folder.rglob("*.jpg")))]))
    result, before = retrain(configured(table)), table.read_text()
    own = "Error: --mistakes: expected a file of its own, received a file that is read, 'photos.csv'."
    for asked in ((), ("--image_dir", "photos.csv")):
        done = command("evaluate", "--graph", result.graph, "--mistakes", "photos.csv", *asked)
        assert (done.returncode, done.stdout) == (2, "")
        assert own in done.stderr
    assert table.read_text() == before
