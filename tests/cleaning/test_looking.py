"""Looking for photos that may be wrong: the list, decisions made before, suggestions that are accepted, bad input."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import COLOURS, Photos
from PIL import Image
from seen_html import require_harmless
from suspecting import suspects

import retrainer
from retrainer.cleaning import looking
from retrainer.errors import DatasetError, OptionError, OutputError, RetrainerError
from retrainer.findings.finders import Seen
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.results.cleaning import Cleaning

Clean = Callable[..., Cleaning]
SET_ASIDE, RELABEL = Decision(action=Action.SET_ASIDE), Decision(action=Action.RELABEL, new_label="red")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Finders that suspect two photos of each class, and what they were given."""
    given: list[Seen] = []

    def find(seen: Seen) -> list[Finding]:
        given.append(seen)
        return suspects(seen)

    monkeypatch.setattr(looking, "find", find)
    return given


@pytest.fixture
def clean(tmp_path: Path, model_dir: Path) -> Clean:
    def run(photos: object, **options: object) -> Cleaning:
        given = {"architecture": COLOURS, "model_dir": model_dir, "bottleneck_dir": tmp_path / "cache"}
        return retrainer.clean(photos, **{**given, **options})  # type: ignore[arg-type]

    return run


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_list_is_written_and_the_photos_stay(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root = photos(count=20)
    before = contents(root)
    result = clean(root, clean_list=tmp_path / "clean.csv")
    assert contents(root) == before
    assert result.counts == {Kind.LABEL: 2, Kind.COPY: 3}
    assert (result.photos, result.decided, len(result.clean_list.photos)) == (40, 0, 4)
    assert [row.finding.kind for row in result.surest(3)] == [Kind.LABEL, Kind.LABEL, Kind.COPY]
    written = read_clean_list(tmp_path / "clean.csv")
    assert written.rows == result.rows
    again = clean(root, clean_list=tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "clean.csv").read_bytes()
    assert again.findings == result.findings
    (green, red) = [root / label / "000.jpg" for label in ("green", "red")]
    assert result.known[str(green)][0] == "green"
    assert {str(green), str(red)} <= {finding.path for finding in result.findings}


def test_a_second_look_goes_on_from_the_decisions(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    first = clean(root, clean_list=path)
    green, red = ((hash_of(root / label / name), str(root / label / name)) for label, name in PLANTED)
    decided = first.clean_list.decided(*green, RELABEL).decided(*red, Decision(action=Action.SET_ASIDE, note="blurred"))
    write_clean_list(path, decided)
    second = clean(root, clean_list=path)
    dataset = seen[1].evidence.dataset
    assert red[1] not in dataset.paths
    assert len(dataset.paths) == 39
    assert dataset.labels[dataset.label_ids[dataset.paths.index(green[1])]] == "red"
    assert second.clean_list.decision_of(*green) == RELABEL
    assert second.clean_list.decision_of(*red) == Decision(action=Action.SET_ASIDE, note="blurred")
    assert second.decided == 2
    third = clean(root, clean_list=path)
    assert third.rows == second.rows


PLANTED = (("green", "000.jpg"), ("red", "001.jpg"))


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_suggestions_are_accepted_but_not_for_test_photos(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    plain = clean(root)
    assert not path.exists()
    keep = Decision(action=Action.KEEP)
    kept = next(row.finding for row in plain.rows if row.finding.kind == Kind.COPY and not row.finding.is_testing)
    write_clean_list(path, plain.clean_list.decided(kept.sha256, kept.path, keep))
    result = clean(root, clean_list=path, accept="all")
    assert read_clean_list(path).rows == result.rows
    for row in result.rows:
        if row.finding.path == kept.path:
            assert row.decision == keep
        elif row.finding.is_testing:
            assert row.decision == Decision()
        else:
            assert row.decision.action != Action.NONE
    # Of different suggestions for a photo the more careful one is taken.
    rows = [Row(finding) for finding in plain.findings if finding.path.endswith("green/000.jpg")]
    assert len(rows) == 2
    trained = [Row(replace(row.finding, part="training")) for row in rows]
    assert [row.decision.action for row in plain_with(plain, trained).accept().rows] == [Action.SET_ASIDE] * 2
    assert [row.decision for row in plain_with(plain, trained).accept(["label"]).rows] == [RELABEL] * 2
    assert [row.decision for row in plain_with(plain, trained).accept("outlier,small_class").rows] == [Decision()] * 2


def test_a_photo_that_was_a_test_photo_stays_one_in_the_list(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    first = clean(root).rows[0]
    tested = replace(first.finding, part="testing")
    write_clean_list(path, CleanList((Row(tested),)))
    rows = [row for row in clean(root, clean_list=path, accept="all").rows if row.finding.path == tested.path]
    assert {(row.finding.part, row.decision.action) for row in rows} == {("testing", Action.NONE)}


def plain_with(result: Cleaning, rows: list[Row]) -> Cleaning:
    return replace(result, clean_list=CleanList(tuple(rows)))


def test_the_page_the_table_and_the_text_of_a_result(
    photos: Photos, clean: Clean, seen: list[Seen], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))
    result = clean(photos(count=20))
    result.page(tmp_path / "findings.html")
    assert (tmp_path / "findings.html").read_text("utf-8").startswith("<!doctype html>")
    frame = result.to_dataframe()
    assert list(frame["finding"]) == ["label", "label", "copy", "copy", "copy"]
    assert set(frame["suggestion"]) == {"relabel", "set aside"}
    assert json.loads(json.dumps(result.to_dict()))["findings"][0]["suggested_label"] == "red"
    lines = repr(result).splitlines()
    assert lines[:2] == [
        f"Cleaning: 5 findings in 40 photos of {result.image_dir}",
        "  findings   Wrong labels 2, Copies 3",
    ]
    assert all(len(line) <= 80 for line in lines[1:])
    seen_in_notebook = require_harmless(result._repr_html_())
    assert "5 findings in 40 photos" in seen_in_notebook.text
    assert sum(tag == "img" for tag, _ in seen_in_notebook.found) == 5
    result.save(tmp_path / "saved.csv")
    assert read_clean_list(tmp_path / "saved.csv").rows == result.rows


def test_tables_and_pictures_in_memory_are_looked_at(clean: Clean, seen: list[Seen], photos: Photos) -> None:
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 256, (8, 8, 3), np.uint8) for _ in range(40)]
    assert clean((pictures, ["a", "b"] * 20)).photos == 40
    root = photos(count=20)
    paths = [f"{label}/{number:03d}.jpg" for label in ("green", "red") for number in range(20)]
    (root / "table.csv").write_text("path,label\n" + "".join(f"{path},{path.split('/')[0]}\n" for path in paths))
    assert clean(root / "table.csv").counts == {Kind.LABEL: 2, Kind.COPY: 3}


def test_what_cannot_be_looked_at_is_one_line_and_the_list_stays(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    (tmp_path / "empty").mkdir()
    for folder, error in (("empty", RetrainerError), ("absent", OptionError)):
        with pytest.raises(error):
            clean(tmp_path / folder, clean_list=path)
    with pytest.raises(DatasetError, match="Only one valid folder"):
        clean(photos({"one": (1, 2, 3)}, root="single"), clean_list=path)
    assert not path.exists()
    with pytest.raises(OptionError, match=r"--accept: expected all, or some of label, copy, .*; received 'labels'"):
        clean(root, accept="labels")
    with pytest.raises(OptionError, match=r"--clean_list: expected a table in CSV, received '.*', the name of a model"):
        clean(root, clean_list=tmp_path / "model.pb")
    with pytest.raises(OptionError, match=r"--clean_list: expected a table in CSV, received '.*', the name of a pict"):
        clean(root, clean_list=root / "red" / "000.jpg")
    path.write_text("path,label\nred/000.jpg,red\n")
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="expected a list of decisions"):
        clean(root, clean_list=path)
    assert path.read_bytes() == before
    assert not seen


def test_the_list_is_not_written_while_somebody_decides(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    with ListFile(path), pytest.raises(OutputError, match="in use by another process"):
        clean(root, clean_list=path)
    assert not seen
    assert clean(root, clean_list=path).clean_list.rows


def test_a_read_only_folder_is_one_line_before_the_work(
    photos: Photos, clean: Clean, seen: list[Seen], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    with pytest.raises(RetrainerError, match="file"):
        clean(photos(count=20), clean_list=tmp_path / "file" / "clean.csv")
    assert not seen


def test_decisions_are_measured_on_the_photos_that_stay(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path, model_dir: Path
) -> None:
    root, path = photos(count=20), tmp_path / "clean.csv"
    for number in range(6):
        shutil.move(root / "red" / f"{number:03d}.jpg", root / "green" / f"r{number}.jpg")
    result = clean(root, clean_list=path)
    nothing = result.measure()
    assert (nothing.set_aside, nothing.relabelled, nothing.count, nothing.pair.difference) == (0, 0, 40, 0)
    assert nothing.pair.is_chance
    wrong = CleanList()
    for number in range(6):
        file = root / "green" / f"r{number}.jpg"
        wrong = wrong.decided(hash_of(file), str(file), RELABEL)
    write_clean_list(path, wrong)
    measure = partial(retrainer.measure_cleaning, root, architecture=COLOURS, model_dir=model_dir)
    effect = measure(clean_list=path, bottleneck_dir=tmp_path / "cache")
    assert (effect.relabelled, effect.set_aside, effect.count, effect.folds) == (6, 0, 34, 5)
    assert effect.after == 1.0
    broken = root / "red" / "broken.jpg"
    broken.write_bytes(b"no picture")
    for file in (broken, root / "red" / "010.jpg"):
        wrong = wrong.decided(hash_of(file), str(file), SET_ASIDE)
    write_clean_list(path, wrong)
    effect = measure(clean_list=path, bottleneck_dir=tmp_path / "cache")
    assert (effect.set_aside, effect.unreadable, effect.count) == (1, 1, 33)
    assert "1 photo set aside (1 more cannot be read), 6 relabelled" in repr(effect)
    with pytest.raises(OptionError, match="--clean_list is missing"):
        measure()


def test_if_all_photos_change_there_is_nothing_to_measure(
    photos: Photos, clean: Clean, seen: list[Seen], tmp_path: Path
) -> None:
    root = photos(count=6)
    result = clean(root, folds=2)
    everything = CleanList()
    for file in sorted(root.rglob("*.jpg")):
        other = Decision(action=Action.RELABEL, new_label="red" if "green" in str(file) else "green")
        everything = everything.decided(hash_of(file), str(file), other)
    with pytest.raises(DatasetError, match="expected photos that no decision changes, received none"):
        plain_with(result, list(everything.rows)).measure()


def test_pictures_of_any_kind_are_fine(tmp_path: Path, clean: Clean, seen: list[Seen]) -> None:
    for label, colour in (("dark", 20), ("light", 220)):
        (tmp_path / "few" / label).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (9, 9), colour + number).save(tmp_path / "few" / label / f"{number}.png")
    assert clean(tmp_path / "few").photos == 6
