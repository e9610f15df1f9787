"""Copies in a run: they stay together, are reported and listed."""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos
from pictures import CHANGES, exported, photo

from retrainer import EvaluateOptions, compare, evaluate, retrain
from retrainer.answers.texts import original
from retrainer.arrays import Integers
from retrainer.events import Began, Event, Warned
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.models.graph import graphdef
from retrainer.options.split import SplitOptions
from retrainer.photos.copies.search import Copies
from retrainer.photos.copies.table import COLUMNS, duplicates_table
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import stratified_folds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of twelve photos, each saved four times."""
    folder = tmp_path_factory.mktemp("made")
    for seed in range(24):
        own = folder / ("even", "odd")[seed % 2]
        own.mkdir(exist_ok=True)
        for quality in (95, 85, 75, 65):
            (own / f"{seed:02d} at {quality}.jpg").write_bytes(exported(photo(seed), quality))
    return folder


@pytest.fixture
def exports(made: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "exports"))


def rows_of(options: SplitOptions) -> list[dict[str, str]]:
    with open(options.duplicates, encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def warnings(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def test_all_copies_are_listed_with_what_they_are_copies_of(exports: Path, configured: Configure) -> None:
    shutil.copy(exports / "odd" / "03 at 95.jpg", exports / "even" / "elsewhere.jpg")
    options, events = configured(exports), list[Event]()
    retrain(options, on_progress=events.append)
    rows = rows_of(options)
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 24 * 4 + 1
    assert len({row["group"] for row in rows}) == sum(row["kind"] == "first" for row in rows) == 24
    assert sum(row["kind"] == "same file" for row in rows) == 1
    by_path = {row["path"]: row for row in rows}
    for row in rows:
        assert os.path.isfile(row["path"])
        assert row["label"] == Path(row["path"]).parent.name
        if row["kind"] != "first":
            assert by_path[row["of"]]["group"] == row["group"]
            assert 0.9 < float(row["likeness"]) <= 1
    (warning,) = (message for message in warnings(events) if "copies of another" in message)
    assert warning.startswith("73 of 97 photos are copies of another, such as '")
    assert warning.endswith(f"copies stay together in one part. '{options.duplicates}' lists them.")
    assert any("are the same file in two classes" in message for message in warnings(events))


def test_a_model_is_tested_on_photos_that_it_has_no_copies_of(exports: Path, configured: Configure) -> None:
    options = configured(exports, folds=4)
    result = retrain(options)
    metadata = graphdef.metadata_of(graphdef.read_graph(result.graph), result.graph)
    assert metadata
    remembered = RememberedSplit.from_metadata(metadata.split)
    assert remembered
    assert remembered.moved
    assert result.test
    assert result.test.count % 4 == 0
    events: list[Event] = []
    evaluation = evaluate(EvaluateOptions(graph=result.graph), on_progress=events.append)
    assert evaluation.part == "test"
    assert evaluation.count == result.test.count
    assert evaluation.accuracy == result.test.accuracy
    assert evaluation.learnt == 0


def test_copies_apart_gives_the_split_of_before_and_a_warning(exports: Path, configured: Configure) -> None:
    options, events = configured(exports, copies="apart"), list[Event]()
    result = retrain(options, on_progress=events.append)
    metadata = graphdef.metadata_of(graphdef.read_graph(result.graph), result.graph)
    assert metadata
    assert len(metadata.split["moved"]) <= 4
    assert len(rows_of(options)) == 96
    assert any("--copies apart" in message and "flatter" in message for message in warnings(events))


def test_a_split_by_path_ignores_copies_and_says_so(exports: Path, configured: Configure) -> None:
    events: list[Event] = []
    retrain(configured(exports, split_by="path", testing_percentage=30), on_progress=events.append)
    assert any("--split_by path may train on one copy and test on another" in message for message in warnings(events))


def test_without_copies_no_table_is_written_and_an_old_one_is_emptied(photos: Photos, configured: Configure) -> None:
    root = photos()
    options, events = configured(root), list[Event]()
    retrain(options, on_progress=events.append)
    assert not os.path.exists(options.duplicates)
    shutil.copy(root / "red" / "000.jpg", root / "red" / "copy.jpg")
    retrain(options)
    assert [row["kind"] for row in rows_of(options)] == ["first", "same file"]
    (root / "red" / "copy.jpg").unlink()
    retrain(options)
    assert rows_of(options) == []


def test_folds_of_every_backbone_keep_copies_together(
    exports: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Dataset, Integers]] = []

    def folds(dataset: Dataset, count: int, seed: int) -> object:
        found = stratified_folds(dataset, count, seed)
        given.append((dataset, found))
        return found

    monkeypatch.setattr("retrainer.measuring.cross_validation.stratified_folds", folds)
    events: list[Event] = []
    options = configured(exports, learning_rate=None, how_many_training_steps=None, folds=5)
    compare([COLOURS, "pocket"], options, on_progress=events.append)
    for dataset, tested_by in given:
        originals = np.array([Path(path).name[:2] for path in dataset.paths])
        assert all(len(set(tested_by[originals == name].tolist())) == 1 for name in set(originals.tolist()))
    assert sum("copies of another" in message for message in warnings(events)) == 1


def test_names_of_all_kinds_come_back_and_none_is_a_formula() -> None:
    paths = ("=cmd|' /C calc'!A1/a.jpg", 'a"b,c\n;d\r.jpg', "\udcff\udcfe.jpg", "-1/é.jpg", "@x/ .jpg", "+/\t.jpg")
    digests = np.arange(6 * 32, dtype=np.uint8).reshape(6, 32)
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])
    copies = Copies(np.zeros(6, np.int64), pairs, np.full(5, 0.9, np.float32))
    content = duplicates_table(Dataset(("=1+1",), paths, np.zeros(6, np.int64), digests), copies)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    assert len(content.splitlines()) == len(rows) + 1
    assert [original(row["path"]) for row in rows] == list(paths)
    assert [original(row["of"]) for row in rows[1:]] == list(paths[:-1])
    assert {original(row["label"]) for row in rows} == {"=1+1"}
    assert not any(row[column].startswith(("=", "+", "-", "@")) for row in rows for column in COLUMNS)


def test_copies_are_searched_once_and_again_if_the_remembered_ones_are_damaged(
    exports: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrainer.bottlenecks import fingerprint_cache
    from retrainer.photos.copies.search import near_copies

    searches: list[int] = []

    def counted(prints):  # type: ignore[no-untyped-def]
        searches.append(len(prints))
        return near_copies(prints)

    monkeypatch.setattr(fingerprint_cache, "near_copies", counted)
    options = configured(exports)
    retrain(options)
    table = Path(options.duplicates).read_bytes()
    retrain(options)
    assert searches == [96]
    assert Path(options.duplicates).read_bytes() == table
    remembered = Path(options.bottleneck_dir) / "copies-1.json"
    content = remembered.read_bytes()
    for damaged in (content[:-40], content.replace(b"0.9", b"0.1", 1), b"", b"{}\n[]"):
        remembered.write_bytes(damaged)
        retrain(options)
        assert Path(options.duplicates).read_bytes() == table
    assert searches == [96] * 5
    (exports / "odd" / "new.jpg").write_bytes(exported(photo(99)))
    retrain(options)
    assert searches[-1] == 97


def test_a_cache_without_fingerprints_is_read_once_more_but_not_run(
    exports: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(exports)
    retrain(options)
    table = Path(options.duplicates).read_bytes()
    shutil.rmtree(Path(options.bottleneck_dir) / "fingerprints-1")
    (Path(options.bottleneck_dir) / "copies-1.json").unlink()
    assert retrain(options).computed == 0
    assert Path(options.duplicates).read_bytes() == table
    monkeypatch.setattr("retrainer.photos.reading.read_file", None)
    assert retrain(options).computed == 0


def test_the_search_for_copies_in_a_large_set_is_reported(
    exports: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.bottlenecks.fingerprint_cache._WORTH_REPORTING", 96)
    events: list[Event] = []
    retrain(configured(exports), on_progress=events.append)
    assert Began("Looking for copies among 96 photos") in events


def test_a_crop_in_another_class_is_named(exports: Path, configured: Configure) -> None:
    (exports / "even" / "cropped.jpg").write_bytes(CHANGES["cropped by 10 %"](photo(5)))
    events: list[Event] = []
    retrain(configured(exports), on_progress=events.append)
    (warning,) = (message for message in warnings(events) if "in two classes" in message)
    assert "cropped.jpg' and '" in warning
    assert warning.endswith("are nearly the same picture in two classes: keep it in one.")
