"""A report is made of what a run left, and says what is missing."""

import os
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos, jpeg
from packing import packed_tree, zipped

import retrainer
from retrainer import Retraining, retrain
from retrainer.errors import DatasetError, ModelError, OptionError, OutputError, PictureError
from retrainer.options.report import ReportOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.output_formats import paths_beside
from retrainer.pages.report.contents import ReportContents
from retrainer.reports.contents import contents_of

CLASSES = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture
def root(photos: Photos) -> Path:
    """Three classes of 20 photos, of which one lies in the wrong folder and one is no photo."""
    root = photos(CLASSES, count=20)
    (root / "red" / "wrong.jpg").write_bytes(jpeg((31, 198, 32)))
    (root / "red" / "notes.jpg").write_text("Dear diary")
    return root


def report_of(graph: str, **options: object) -> ReportContents:
    return contents_of(ReportOptions(graph=graph, **options))  # type: ignore[arg-type]


def notes(contents: ReportContents) -> str:
    return "\n".join(contents.notes)


def test_a_run_with_folds_is_shown_whole(root: Path, configured: Configure) -> None:
    result = retrain(configured(root, folds=4, seed=3))
    contents = report_of(result.graph)
    assert result.cross_validation
    assert result.fold_photos
    assert (contents.name, contents.measured_on) == (str(root), "4 folds")
    assert contents.assessment == result.cross_validation.assessment
    assert contents.baseline == 21 / 61
    assert contents.measured
    assert contents.measured.paths == list(result.fold_photos.paths)
    assert contents.measured.scores == pytest.approx(result.fold_photos.scores)
    assert [(one.path, one.label, one.predicted) for one in contents.mistakes] == [
        (one.path, one.label, one.predicted) for one in result.mistakes
    ]
    (wrong,) = contents.mistakes
    assert wrong.path.endswith("wrong.jpg")
    assert [near.label for near in wrong.nearest] == ["green"] * 3
    similar = [near.similarity for near in wrong.nearest]
    assert similar == sorted(similar, reverse=True)
    assert all(0.9 < one <= 1.0001 for one in similar)
    margins = [one.score - one.second[1] for one in contents.undecided if one.second]
    assert len(margins) == 12
    assert margins == sorted(margins)
    assert wrong.path not in {one.path for one in contents.undecided}
    assert sum(map(sum, contents.split.values())) == 61
    assert list(contents.skipped) == [str(root / "red" / "notes.jpg")]
    assert sum(one.count for one in contents.calibration) == 61
    assert contents.training_curve is not None
    assert contents.verdict.startswith("Good: 98.4 % of 61 photos right by 4 folds")
    assert contents.copies == ("No photo is a copy of another.", "No test photo has a copy in another part.")
    assert f"retrainer retrain {root} " in contents.command
    assert contents.read
    assert contents.read(wrong.path) == Path(wrong.path).read_bytes()
    assert contents.card["Backbone"]["Licence"] == "none"
    assert contents.card["Measured"]["On"].startswith("4 folds: each photo by a head that did not learn from it")
    assert contents.card["Data"]["Number"].startswith("61: ")
    assert contents.list_command == f"{contents.command} --json > run.json"


@pytest.mark.parametrize("folds", [0, 4])
def test_photos_that_may_be_wrong_are_counted_and_looked_at_next(
    photos: Photos, configured: Configure, folds: int
) -> None:
    root = photos(CLASSES, count=40)
    for number in range(3):
        (root / "red" / f"wrong-{number}.jpg").write_bytes(jpeg((31 + number, 198, 32)))
    contents = report_of(retrain(configured(root, folds=folds)).graph)
    assert contents.suspicious
    assert contents.suspicious >= len(contents.suspects) >= 3
    assert sum(Path(one.path).name.startswith("wrong-") for one in contents.suspects) == 3
    assert contents.suspects[0].activation is None
    assert contents.clean_command == f"retrainer clean {root}"
    assert contents.step
    assert "some labels may be wrong" in contents.step.sentence
    assert contents.step.command == f"retrainer clean {root} --interactive"


def test_neighbours_in_a_report_of_folds_are_of_other_folds(root: Path, configured: Configure) -> None:
    result = retrain(configured(root, folds=4))
    contents = report_of(result.graph)
    assert result.cross_validation
    assert result.fold_photos
    fold = dict(zip(result.fold_photos.paths, result.cross_validation.tested_by.tolist(), strict=True))
    shown = [*contents.mistakes, *contents.undecided]
    assert all(fold[near.path] != fold[one.path] for one in shown for near in one.nearest)


def test_without_folds_the_test_photos_are_shown(root: Path, configured: Configure) -> None:
    result = retrain(configured(root, testing_percentage=30))
    contents = report_of(result.graph)
    assert result.test_photos
    assert contents.measured
    assert contents.measured_on == "test photos"
    assert contents.assessment == result.test
    assert list(contents.measured.paths) == list(result.test_photos.paths)
    assert contents.measured.scores == pytest.approx(result.test_photos.scores, abs=1e-6)
    assert contents.measured.label_ids.tolist() == result.test_photos.label_ids.tolist()
    assert len(contents.undecided[0].nearest) == 3
    tested = set(result.test_photos.paths)
    assert not tested & {near.path for one in contents.undecided for near in one.nearest}
    assert contents.card["Measured"]["On"] == "test photos, which the model did not learn from"


def test_photos_have_the_classes_that_decisions_gave_them(root: Path, configured: Configure, tmp_path: Path) -> None:
    (tmp_path / "clean.csv").write_text(
        f"path,action,new_label\n{root}/red/wrong.jpg,relabel,green\n{root}/red/003.jpg,set aside,\n"
    )
    for folds in (4, 0):
        options = configured(root, folds=folds, testing_percentage=40, clean_list=str(tmp_path / "clean.csv"))
        result = retrain(options)
        contents = report_of(result.graph)
        assert contents.measured
        assert result.measured
        assert dict(zip(contents.measured.paths, contents.measured.label_ids.tolist(), strict=True)) == dict(
            zip(result.measured.paths, result.measured.label_ids.tolist(), strict=True)
        )
        assert contents.card["Data"]["Cleaned"] == "1 photo set aside and 1 relabelled by a list of decisions"
        assert "--clean_list" in contents.command


def test_a_run_and_a_later_command_write_the_same_bytes(
    root: Path, configured: Configure, here: Path, model_dir: Path
) -> None:
    options = {"model_dir": str(model_dir), "architecture": COLOURS, "output_graph": "graph.pb", "folds": 4}
    result = retrain(RetrainOptions(image_dir=str(root), **options))  # type: ignore[arg-type]
    made = result.report("now.html")
    assert made.verdict == made.contents.verdict
    assert repr(made) == f"Report: {made.verdict}\n  now.html"
    retrainer.report("graph.pb", "later.html")
    assert Path("now.html").read_bytes() == Path("later.html").read_bytes()
    assert retrainer.report("graph.pb").html.encode() == Path("now.html").read_bytes()
    retrain(RetrainOptions(image_dir=str(root), **options)).report("again.html")  # type: ignore[arg-type]
    assert Path("now.html").read_bytes() == Path("again.html").read_bytes()
    with pytest.raises(OptionError, match="received two"):
        retrainer.report("graph.pb", "a.html", report="b.html")


def test_a_result_without_a_place_has_a_report_that_names_no_temporary_folder(
    root: Path, model_dir: Path, tmp_path: Path
) -> None:
    def html() -> str:
        result = retrain(root, model_dir=model_dir, architecture=COLOURS, folds=3)
        assert result.folder
        made = pickle.loads(pickle.dumps(result)).report(tmp_path / "report.html")
        assert str(result.folder.path) not in made.html
        assert made.contents.card["Model"]["File"] == "retrained_graph.tflite"
        return str(made.html)

    assert html() == html()


def test_photos_that_moved_are_found_by_their_bytes(root: Path, configured: Configure, tmp_path: Path) -> None:
    for folds in (4, 0):
        graph = retrain(configured(root, folds=folds, testing_percentage=30)).graph
        before = report_of(graph)
        root.rename(tmp_path / "elsewhere")
        gone = report_of(graph)
        assert gone.read is None
        assert f"The photos are not in '{root}' any more; --image_dir names their place now." in notes(gone)
        assert (gone.verdict, gone.assessment) == (before.verdict, before.assessment)
        found = report_of(graph, image_dir=tmp_path / "elsewhere")
        assert before.measured
        assert found.measured
        assert found.measured.paths == [
            path.replace(str(root), str(tmp_path / "elsewhere")) for path in before.measured.paths
        ]
        assert found.read
        assert found.read(found.measured.paths[0])
        assert before.undecided[0].nearest
        assert [one.similarity for one in found.undecided[0].nearest] == [
            one.similarity for one in before.undecided[0].nearest
        ]
        (tmp_path / "elsewhere").rename(root)


def test_photos_that_changed_or_vanished_are_not_shown(root: Path, configured: Configure) -> None:
    graph = retrain(configured(root, folds=4)).graph
    (root / "red" / "wrong.jpg").write_bytes(jpeg((9, 9, 9)))
    (root / "green" / "003.jpg").unlink()
    contents = report_of(graph)
    assert "2 of 61 photos of the run have changed or are gone." in notes(contents)
    assert contents.read
    with pytest.raises(PictureError, match="no longer where it was"):
        contents.read(str(root / "red" / "wrong.jpg"))
    other = str(root / "green" / "004.jpg")
    assert contents.read(other)
    Path(other).write_bytes(b"changed since")
    with pytest.raises(PictureError, match="it has changed since the run"):
        contents.read(other)
    assert len(retrainer.report(graph).html) > 1000


def test_without_the_cache_figures_stay_and_neighbours_go(root: Path, configured: Configure) -> None:
    options = configured(root, folds=4)
    graph = retrain(options).graph
    before = report_of(graph)
    shutil.rmtree(options.bottleneck_dir)
    contents = report_of(graph)
    assert (contents.assessment, contents.verdict) == (before.assessment, before.verdict)
    assert contents.measured
    assert all(one.nearest == () for one in (*contents.mistakes, *contents.undecided))
    assert contents.read is not None
    assert "The feature vectors of 61 of 61 photos are not in the cache" in notes(contents)
    assert "What speaks for a class is not shown" in notes(contents)
    assert not Path(options.bottleneck_dir).exists()
    graph = retrain(replace(options, folds=0, testing_percentage=30)).graph
    shutil.rmtree(options.bottleneck_dir)
    contents = report_of(graph)
    assert contents.measured is None
    assert contents.assessment
    assert "photos measured are no longer known, so these photos are not listed." in notes(contents)


def test_a_model_of_an_earlier_version_has_no_record(root: Path, configured: Configure) -> None:
    options = configured(root, folds=4)
    graph = retrain(options).graph
    paths_beside(graph)["run"].unlink()
    contents = report_of(graph, bottleneck_dir=options.bottleneck_dir, model_dir=options.model_dir)
    assert "The run kept no record beside its model" in notes(contents)
    assert contents.assessment
    assert contents.assessment.count == 61
    assert contents.measured_on == "4 folds"
    assert contents.mistakes[0].nearest
    assert (contents.split, contents.training_curve, contents.command, contents.copies) == ({}, None, "", ())


@pytest.mark.parametrize("name", ["path", "fold"])
def test_scores_with_empty_cells_are_not_used(name: str, root: Path, configured: Configure) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    made = retrain(configured(root, folds=4))
    table = parquet.read_table(made.files["scores"])
    empty = table.set_column(table.schema.get_field_index(name), name, pa.nulls(len(table), table[name].type))
    parquet.write_table(empty, made.files["scores"])
    assert "expected the columns and facts of a table of scores" in notes(report_of(made.graph))


@pytest.mark.parametrize("name", ["run", "scores"])
def test_files_of_another_model_are_not_used(name: str, root: Path, configured: Configure) -> None:
    options = configured(root, folds=4)
    other = retrain(options).files[name]
    content = Path(other).read_bytes()
    graph = retrain(replace(options, how_many_training_steps=5)).graph
    whole = report_of(graph)
    Path(other).write_bytes(content)
    contents = report_of(graph)
    assert f"'{other}' is not used: it belongs to another model." in notes(contents)
    assert contents.assessment
    assert whole.assessment
    assert contents.assessment.accuracy == whole.assessment.accuracy
    for damage in (content[: len(content) // 2], b"", b"{}"):
        Path(other).write_bytes(damage)
        assert f"'{other}' is not used: " in notes(report_of(graph))


def test_scores_of_folds_that_are_lost_are_not_those_of_the_model(root: Path, configured: Configure) -> None:
    result = retrain(configured(root, folds=4, testing_percentage=30))
    paths_beside(result.graph)["scores"].unlink()
    contents = report_of(result.graph)
    assert contents.measured is None
    assert contents.measured_on == "4 folds"
    assert result.cross_validation
    assert contents.assessment == result.cross_validation.assessment
    assert "The scores of 61 of the 61 photos measured are no longer known" in notes(contents)


def test_a_run_without_test_photos_is_unknown(root: Path, configured: Configure) -> None:
    contents = report_of(retrain(configured(root, testing_percentage=0)).graph)
    assert contents.verdict == "Unknown: no photo tested the model, so nobody can say how good it is."
    assert (contents.assessment, contents.measured, contents.baseline) == (None, None, None)
    assert contents.step
    assert "--folds 5" in contents.step.command


def test_a_model_alone_tells_what_it_states_of_itself(root: Path, configured: Configure, here: Path) -> None:
    result = retrain(configured(root, testing_percentage=30))
    shutil.copy(result.tflite, "alone.tflite")
    shutil.rmtree(root)
    contents = report_of("alone.tflite")
    assert contents.verdict == (
        "Unknown: what the run measured is not beside the model; it states 95.0 % of 20 test photos right "
        "(76.4 to 99.1 %)."
    )
    assert contents.step
    assert contents.step.command == "retrainer evaluate --graph alone.tflite"
    assert result.test
    assert contents.card["Measured"]["Stated by the model"] == f"95.0 % of {result.test.count} test photos"
    assert len(retrainer.report("alone.tflite").html) > 1000
    shutil.copy(result.files["pb"], "alone.pb")
    Path("alone.tflite").unlink()
    assert "The .tflite of the model is not beside it" in notes(report_of("alone.pb"))


def test_what_is_no_model_of_ours_is_one_line(root: Path, model_dir: Path, here: Path) -> None:
    with pytest.raises(ModelError, match="does not say what it learnt; expected a model that retrainer wrote"):
        retrainer.report(model_dir / COLOURS / "backbone.tflite")
    with pytest.raises(OptionError, match=r"'absent\.pb' does not exist"):
        retrainer.report("absent.pb")
    Path("notes.pb").write_text("Dear diary")
    with pytest.raises(ModelError):
        retrainer.report("notes.pb")
    with pytest.raises(OptionError, match=r"expected a page in HTML, received 'model\.pb'"):
        retrainer.report("notes.pb", "model.pb")


def test_a_folder_that_is_named_must_be_one(root: Path, configured: Configure, tmp_path: Path) -> None:
    graph = retrain(configured(root, folds=4)).graph
    with pytest.raises(OptionError, match=r"--image_dir: '.*absent' does not exist"):
        report_of(graph, image_dir=tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        report_of(graph, image_dir=tmp_path / "empty")


def test_a_page_that_cannot_be_written_is_found_before_the_work(
    root: Path, configured: Configure, tmp_path: Path
) -> None:
    graph = retrain(configured(root)).graph
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OptionError, match="received the folder"):
        retrainer.report(graph, tmp_path / "report.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        retrainer.report(graph, tmp_path / "file" / "report.html")


def test_photos_in_an_archive_a_table_or_memory(root: Path, configured: Configure, tmp_path: Path) -> None:
    (root / "red" / "notes.jpg").unlink()
    archive = tmp_path / "photos.zip"
    archive.write_bytes(zipped(packed_tree(root)))
    table = tmp_path / "photos.csv"
    files = sorted(root.rglob("*.jpg"))
    table.write_text("path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in files))
    pair = [path.read_bytes() for path in files], [path.parent.name for path in files]
    for source in (str(archive), str(table), pair):
        result = retrain(configured(root), image_dir=source, folds=4)
        contents = report_of(result.graph)
        assert contents.mistakes[0].nearest
        if source is pair:
            assert contents.read is None
            assert "The photos are not shown, since they were pictures in memory." in notes(contents)
            assert contents.command.startswith("retrainer.retrain(photos, ")
            assert contents.step
            assert "pictures in memory" not in contents.step.command
            contents = report_of(result.graph, image_dir=source)
        assert contents.read
        assert contents.read(contents.mistakes[0].path)


def test_names_that_are_not_utf8_are_found_again(root: Path, configured: Configure) -> None:
    os.rename(root / "red" / "wrong.jpg", os.fsencode(root / "red") + b"/\xff.jpg")
    made = retrain(configured(root, folds=4))
    contents = report_of(made.graph)
    (wrong,) = contents.mistakes
    assert os.fsencode(wrong.path).endswith(b"\xff.jpg")
    assert contents.read
    assert contents.read(wrong.path)
    assert "\\udcff.jpg" in retrainer.report(made.graph).html


def test_copies_in_other_parts_are_said_and_not_praised(photos: Photos, configured: Configure) -> None:
    root = photos(CLASSES, count=12, root="photos/train")
    photos(CLASSES, count=8, root="photos/test")
    result = retrain(configured(root.parent))
    contents = report_of(result.graph)
    assert result.leaked == 24
    assert "but 24 test photos have copies among other photos" in contents.verdict
    assert any("24 test photos have copies" in sentence for sentence in contents.copies)
    assert contents.step
    assert "--split_by content" in contents.step.command


def test_a_kept_model_has_its_own_report(root: Path, configured: Configure) -> None:
    options = configured(root, folds=4)
    retrain(options)
    result = retrain(replace(options, how_many_training_steps=5))
    assert isinstance(result, Retraining)
    assert result.previous
    contents = report_of(result.previous.graph)
    assert contents.measured_on == "4 folds"
    assert "--how_many_training_steps 200" in contents.command


def test_the_page_has_everything_and_no_picture_if_so_asked(root: Path, configured: Configure) -> None:
    graph = retrain(configured(root, folds=4)).graph
    shown, hidden = retrainer.report(graph).html, retrainer.report(graph, no_images=True).html
    assert shown.count("data:image/") > 10
    assert "data:image/" not in hidden
    assert re.search(r"Good: 98\.4 % of 61 photos right by 4 folds", hidden)
    assert np.isfinite(len(hidden))
