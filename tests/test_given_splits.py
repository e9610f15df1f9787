"""Photos that are split already, from the folder to the model and its figures."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from conftest import Command, Configure, jpeg
from pictures import exported, photo
from pyarrow import parquet

from retrainer.cli.summary import summary
from retrainer.comparison import compare
from retrainer.errors import DatasetError, OptionError
from retrainer.evaluation import evaluate
from retrainer.events import Event, Noted, RunFinished, Warned
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.models.graph import graphdef
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.retraining import retrain

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30)}


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """30 training, 6 validation and 8 test photos of each of two classes, all different."""
    monkeypatch.chdir(tmp_path)
    for label, colour in COLOURS.items():
        for number in range(44):
            part = "train" if number < 30 else "val" if number < 36 else "Test"
            path = tmp_path / "data" / part / label / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(tuple(min(c + number, 255) for c in colour)))  # type: ignore[arg-type]
    return Path("data")


def messages(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted | Warned)]


def leaks(events: list[Event]) -> list[str]:
    return [message for message in messages(events) if "leaks" in message]


def split_of(graph: str) -> RememberedSplit:
    metadata = graphdef.metadata_of(graphdef.read_graph(graph), graph)
    assert metadata
    remembered = RememberedSplit.from_metadata(metadata.split)
    assert remembered
    return remembered


def test_given_parts_train_validate_and_test(split: Path, configured: Configure) -> None:
    events: list[Event] = []
    result = retrain(configured(split), on_progress=events.append)
    assert (result.photos, result.count, leaks(events)) == (88, 16, [])
    remembered = split_of(result.graph)
    assert (remembered.split_by, remembered.moved) == ("folders", {})
    (finished,) = [event for event in events if isinstance(event, RunFinished)]
    anew: list[Event] = []
    retrain(configured(split, split_by="content"), on_progress=anew.append)
    (other,) = [event for event in anew if isinstance(event, RunFinished)]
    assert finished.split != other.split
    assert "Since the last model: " in "".join(messages(anew))
    assert "earlier test photos are now in another part" in "".join(messages(anew))


def test_the_test_part_is_measured_with_every_model(split: Path, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(split))
    assert result.test
    for image_dir in ("", "data", "./data/"):
        events: list[Event] = []
        measured = evaluate(result.graph, on_progress=events.append, image_dir=image_dir)
        assert (measured.part, measured.left_out, measured.learnt) == ("given", 0, 0)
        assert measured.assessment.count == 16
        assert measured.assessment.log_loss == pytest.approx(result.test.log_loss, abs=1e-4)
        assert any(f"Only the given test photos of '{image_dir or 'data'}' are measured" in m for m in messages(events))
    trained = evaluate(result.graph, image_dir="data/Test")
    assert (trained.part, trained.assessment.count) == ("test", 16)
    shutil.copytree("data/Test", "new/test")
    shutil.copytree("data/train", "new/train")
    (tmp_path / "new" / "test" / "red" / "new.jpg").write_bytes(jpeg((210, 60, 70)))
    grown = evaluate(result.graph, image_dir="new")
    assert (grown.part, grown.assessment.count) == ("given", 17)


def test_a_model_that_split_parts_anew_is_measured_on_its_own_test_photos(split: Path, configured: Configure) -> None:
    result = retrain(configured(split, split_by="content"))
    measured = evaluate(result.graph)
    assert (measured.part, measured.assessment.count) == ("test", result.count)


def test_copies_across_given_parts_are_counted_and_named_and_stay(
    split: Path, configured: Configure, tmp_path: Path
) -> None:
    for number in range(40):
        path = tmp_path / "data" / ("train" if number < 30 else "Test") / "red" / f"photo{number}.jpg"
        path.write_bytes(exported(photo(number)))
    shutil.copy("data/train/red/photo3.jpg", "data/Test/red/same.jpg")
    Path("data/Test/red/saved again.jpg").write_bytes(exported(photo(5), 60))
    shutil.copy("data/train/green/7.jpg", "data/val/green/7 again.jpg")
    shutil.copy("data/train/green/8.jpg", "data/train/green/8 again.jpg")
    events: list[Event] = []
    options = configured(split)
    result = retrain(options, on_progress=events.append)
    assert (result.count, result.leaked) == (16 + 10 + 2, 2)
    assert "28 photos; 2 of them have copies or their group in another part" in " ".join(
        " ".join(summary(result)).split()
    )
    assert leaks(events) == [
        "The given split leaks: 2 of 28 test photos are copies of training or validation photos: "
        "'data/Test/red/same.jpg' of 'data/train/red/photo3.jpg', "
        "'data/Test/red/saved again.jpg' of 'data/train/red/photo5.jpg'. So the figures are too good. "
        f"'{options.duplicates}' lists all copies.",
        "The given split leaks: 1 of 13 validation photos is a copy of training photos: "
        "'data/val/green/7 again.jpg' of 'data/train/green/7.jpg'. So the figures are too good. "
        f"'{options.duplicates}' lists all copies.",
    ]
    measured = evaluate(result.graph)
    assert (measured.part, measured.assessment.count, measured.left_out) == ("given", 28, 0)
    assert measured.learnt == pytest.approx(1 / 28)
    away = evaluate(result.graph, image_dir=str(shutil.copytree("data/Test", "away")))
    assert (away.assessment.count, away.left_out) == (27, 1)


def test_a_missing_validation_part_is_drawn_from_training(split: Path, configured: Configure) -> None:
    shutil.rmtree("data/val")
    result = retrain(configured(split, validation_percentage=20))
    remembered = split_of(result.graph)
    assert remembered.validated
    assert (result.photos, result.count) == (76, 16)
    assert evaluate(result.graph).assessment.count == 16
    drawn = evaluate(result.graph, image_dir="data/Test")
    assert drawn.left_out == 0


def test_backbones_are_compared_on_all_photos_of_given_parts(split: Path, configured: Configure) -> None:
    (compared,) = compare(["colours"], configured(split, folds=3)).backbones
    assert compared.assessment.count == 88


def test_given_parts_beyond_the_hashes_that_are_kept_are_known_by_the_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retrainer.measuring.remembered_split._KEPT", 10)
    digests = np.random.default_rng(0).integers(0, 256, (40, 32), np.uint8)
    given = np.repeat(np.array([Part.TRAINING, Part.TESTING], np.int8), 20)
    dataset = Dataset(("a",), tuple(map(str, range(40))), np.zeros(40, np.int64), digests, given=given)
    remembered = RememberedSplit.of(dataset, Split(given), SplitOptions(split_by="folders", validation_percentage=0))
    assert (remembered.known_parts(digests) < 0).any()
    assert remembered.parts(dataset).tolist() == given.tolist()
    assert not remembered.parts(Dataset(("a",), dataset.paths, dataset.label_ids, digests)).any()


COLUMNS = ("path", "label", "split", "group")


@pytest.fixture
def table(split: Path) -> Path:
    """A table of the photos of `split`: every third one has no part; groups of four photos of both classes."""
    rows = []
    for label in COLOURS:
        for number in range(44):
            part = "train" if number < 30 else "val" if number < 36 else "Test"
            drawn = number // 4 % 3 == 0 and part == "train"
            rows.append(
                (f"data/{part}/{label}/{number}.jpg", label.upper(), "" if drawn else part, f"shot {number // 4}")
            )
    path = Path("photos.csv")
    path.write_text("".join(",".join(row) + "\n" for row in [COLUMNS, *rows]))
    return path


def test_a_table_trains_a_model_and_measures_it(table: Path, configured: Configure) -> None:
    events: list[Event] = []
    result = retrain(configured(table, folds=3), on_progress=events.append)
    assert (result.photos, result.labels, result.skipped) == (88, ("GREEN", "RED"), 0)
    assert result.cross_validation
    assert result.test
    assert result.cross_validation.assessment.count == 88
    for image_dir in ("", "photos.csv"):
        measured = evaluate(result.graph, image_dir=image_dir)
        assert measured.count == result.test.count
        assert measured.assessment.accuracy == result.accuracy
    remembered = split_of(result.graph)
    assert (remembered.image_dir, remembered.split_by) == ("photos.csv", "folders")
    again: list[Event] = []
    retrain(configured(table, folds=3), on_progress=again.append)
    (one,), (two,) = ([e for e in run if isinstance(e, RunFinished)] for run in (events, again))
    assert (one.split, one.fold_split, one.image_dir) == (two.split, two.fold_split, "photos.csv")
    assert not any("Since the last model" in message for message in messages(again))


def test_new_rows_are_new_photos_and_the_cache_knows_the_others(table: Path, configured: Configure) -> None:
    retrain(configured(table))
    Path("new.jpg").write_bytes(jpeg((90, 60, 70)))
    with open(table, "a") as file:
        file.write("new.jpg,red,,\n")
    events: list[Event] = []
    assert retrain(configured(table), on_progress=events.append).computed == 1
    assert any(m.startswith("Since the last model: 1 of 89 photos new") for m in messages(events))


def test_no_group_and_no_copy_is_in_two_parts_or_folds(
    table: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of a photo of one group in another joins the two."""
    Path("other").mkdir()
    shutil.copy("data/train/red/1.jpg", "other/copy.jpg")
    lines = table.read_text().replace(",train,", ",,").replace(",val,", ",,").replace(",Test,", ",,")
    table.write_text(f"{lines}other/copy.jpg,RED,,shot 5\n")
    options = configured(table, folds=4, learning_curve=True)
    result = retrain(options)
    groups = dict(line.split(",")[::3] for line in table.read_text().splitlines()[1:])
    groups |= {path: "0 and 5" for path, group in groups.items() if group in ("shot 0", "shot 5")}
    scores = parquet.read_table(result.files["scores"]).to_pydict()
    folds: dict[str, set[int]] = {}
    for path, fold in zip(scores["path"], scores["fold"], strict=True):
        folds.setdefault(groups[path], set()).add(fold)
    assert all(len(found) == 1 for found in folds.values())
    assert len(folds) == 10
    remembered = split_of(result.graph)
    digests = np.array([list(digest) for digest in scores["sha256"]], np.uint8)
    parts: dict[str, set[int]] = {}
    for path, part in zip(scores["path"], remembered.known_parts(digests).tolist(), strict=True):
        parts.setdefault(groups[path], set()).add(part)
    assert all(len(found) == 1 for found in parts.values())


def test_a_row_without_a_file_ends_a_strict_run(table: Path, configured: Configure) -> None:
    os.remove("data/train/red/7.jpg")
    assert retrain(configured(table)).skipped == 1
    with pytest.raises(DatasetError, match=r"^--strict: 'data/train/red/7\.jpg': No such file or directory \(row 9 of"):
        retrain(configured(table, strict=True))


def test_one_photo_with_two_labels_is_warned_of(table: Path, configured: Configure) -> None:
    shutil.copy("data/train/red/7.jpg", "twin.jpg")
    with open(table, "a") as file:
        file.write("twin.jpg,green,train,\n")
    events: list[Event] = []
    retrain(configured(table), on_progress=events.append)
    assert any("are the same file in two classes: keep it in one." in message for message in messages(events))


def test_a_table_in_memory_trains_and_measures(table: Path, configured: Configure) -> None:
    with open(table) as file:
        photos = pyarrow.Table.from_pylist(list(csv.DictReader(file)))
    options = configured(Path("photos.csv")).values(RetrainOptions)
    result = retrain(photos, **{name: value for name, value in options.items() if name != "image_dir"})
    measured = evaluate(result.graph, image_dir=photos)
    assert (measured.assessment.count, measured.image_dir) == (result.count, "Table in memory")
    with pytest.raises(OptionError, match="learnt from Table in memory; expected photos"):
        evaluate(result.graph)


def test_a_model_of_folders_is_measured_on_the_test_rows_of_a_table(table: Path, configured: Configure) -> None:
    result = retrain(configured(Path("data/train")))
    measured = evaluate(result.graph, image_dir=str(table))
    assert (measured.part, measured.assessment.count, measured.left_out) == ("given", 16, 0)
    jsonl = Path("elsewhere.jsonl")
    jsonl.write_text(
        '{"path": "data/Test/red/40.jpg", "label": "Red"}\n{"path": "data/train/red/1.jpg", "label": "red"}\n'
    )
    measured = evaluate(result.graph, image_dir=str(jsonl))
    assert measured.assessment.count + measured.left_out == 2
    jsonl.write_text('{"path": "data/Test/red/40.jpg", "label": "blue"}\n')
    with pytest.raises(DatasetError, match="'blue' stands for the label 'blue'; expected one of green, red"):
        evaluate(result.graph, image_dir=str(jsonl))


def test_photos_beside_the_parts_are_listed_as_problems(split: Path, command: Command, model_dir: Path) -> None:
    shutil.copytree(split / "train" / "red", split / "extra" / "red")
    (split / "train" / "loose.jpg").write_bytes(jpeg((1, 2, 3)))
    options = ("--architecture", "colours", "--folds", "0", "--model_dir", model_dir)
    done = command("retrain", "--image_dir", split, *options)
    assert done.returncode == 0, done.stderr
    with open("tf_files/problems.csv", newline="") as file:
        rows = [(row["kind"], row["path"], row["problem"]) for row in csv.DictReader(file)]
    assert ("left out", "data/train/loose.jpg", "in no class folder") in rows
    assert sum(problem == "beside the parts" for _, _, problem in rows) == 30


def test_a_class_without_given_training_photos_is_an_error_that_says_what_to_do(
    split: Path, configured: Configure
) -> None:
    shutil.copytree(split / "Test" / "red", split / "Test" / "blue")
    with pytest.raises(DatasetError, match="Label blue has no images in the category training") as error:
        retrain(configured(split, copies="apart"))
    assert error.value.fix == "Give some of its photos the training part, or leave the class out."


def test_other_photos_without_a_part_are_not_measured_beside_given_test_photos(
    split: Path, configured: Configure
) -> None:
    def table(name: str, folders: dict[str, str]) -> str:
        rows = [
            f"{path.relative_to(split.parent)},{path.parent.name},{part}\n"
            for folder, part in folders.items()
            for path in sorted((split / folder).rglob("*.jpg"))
        ]
        Path(name).write_text("path,label,split\n" + "".join(rows))
        return name

    options = configured(Path(table("t.csv", {"Test": "test", "train": ""})), copies="apart")
    result = retrain(options)
    own = evaluate(str(result.graph))
    assert (own.part, own.assessment.count) == ("test", result.count)
    assert result.count > 16
    # The photos of validation are new to the model, and nobody says that they test.
    table("t.csv", {"Test": "test", "train": "", "val": ""})
    assert evaluate(str(result.graph)).assessment.count == result.count
    table("t.csv", {"Test": "test", "val": ""})
    again = evaluate(str(result.graph))
    assert (again.part, again.assessment.count) == ("given", 16)
