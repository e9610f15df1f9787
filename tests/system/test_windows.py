"""`label`, `evaluate` and a `retrain` whose backbone is there need nothing that Windows lacks; see `like_windows`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Photos
from like_windows import opened_files
from packing import PACKERS, packed_tree

from retrainer.system import portable, unfinished
from retrainer.system.unfinished import remove_leftovers, unfinished_file, unfinished_folder

Run = Callable[..., str]


@pytest.fixture
def like_windows(tmp_path: Path) -> Run:
    """Runs the command line as on Windows in the test's folder; returns what it prints to both streams."""

    def run(*arguments: str | Path, code: int = 0) -> str:
        options = ["-X", "warn_default_encoding", "-m", "like_windows"]
        line = [sys.executable, *options, str(tmp_path), *map(str, arguments)]
        tests = Path(__file__).parent
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
        done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return run


def test_a_model_is_trained_twice_labels_and_is_measured(like_windows: Run, photos: Photos, model_dir: Path) -> None:
    options = ("--image_dir", photos(count=30), "--model_dir", model_dir, "--architecture", "colours")
    first = like_windows("retrain", *options)
    # The second run finds the cache, the files of the first, and a model to keep as the previous one.
    second = like_windows("retrain", *options)
    assert "100.0 % by the model itself on " in first
    assert "100.0 % by the model itself on " in second
    photo = Path("photos", "red", "000.jpg")
    label = like_windows("label", "--graph", Path("tf_files", "retrained_graph.pb"), "--image", photo)
    assert "\nred (score=" in label
    graph = Path("tf_files", "retrained_graph.tflite")
    assert "\nred (score=" in like_windows("label", "--graph", graph, "--image", "photos")
    assert "Accuracy: 1\n" in like_windows("evaluate", "--graph", graph, "--image_dir", "photos")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_photos_of_an_archive_are_learnt(kind: str, like_windows: Run, photos: Photos, model_dir: Path) -> None:
    folder = photos(count=30)
    archive = folder.parent / f"packed.{kind}"
    archive.write_bytes(PACKERS[kind](packed_tree(folder)))
    options = ("--image_dir", archive, "--model_dir", model_dir, "--architecture", "colours")
    assert "100.0 %" in like_windows("retrain", *options)
    assert "Accuracy: 1\n" in like_windows("evaluate")


def test_files_of_the_cache_that_do_not_fit_are_set_aside(like_windows: Run, photos: Photos, model_dir: Path) -> None:
    photos_dir = photos(count=30)
    options = ("--image_dir", photos_dir, "--model_dir", model_dir, "--architecture", "colours")
    like_windows("retrain", *options)
    (vectors,) = photos_dir.parent.glob("tf_files/bottlenecks/colours-*/part-*.parquet")
    (index,) = photos_dir.parent.glob("tf_files/bottlenecks/files/part-*.parquet")
    vectors.write_bytes(index.read_bytes())
    index.write_bytes(index.read_bytes()[:-9] + bytes(9))
    assert like_windows("retrain", *options, "-v").count("is set aside") == 2


def test_a_model_of_others_runs_only_if_it_is_trusted(
    like_windows: Run, photos: Photos, model_dir: Path, tmp_path: Path
) -> None:
    photos()
    (tmp_path / "foreign.tflite").write_bytes(next(model_dir.rglob("*.tflite")).read_bytes())
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    arguments = ("label", "--graph", "foreign.tflite", "--labels", "labels.txt", "photos/red/000.jpg")
    assert like_windows(*arguments, code=1) == (
        "Error: 'foreign.tflite' would run in a process with limits of time and memory, which Windows does not have.\n"
        "If you trust the author of the file, run it without limits: add --trust_graph.\n"
    )
    assert "(score=" in like_windows(*arguments, "--trust_graph")


def test_only_what_is_a_day_old_counts_as_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (unfinished, portable):
        monkeypatch.setattr(module.sys, "platform", "win32")
    with unfinished_file(tmp_path / "file") as (handle, file), unfinished_folder(tmp_path / "folder") as folder:
        handle.close()
        remove_leftovers(tmp_path)
        assert file.exists()
        assert folder.exists()
        for path in (file, folder):
            os.utime(path, (0, 0))
        remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_the_imitation_knows_the_files_that_are_open(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb"):
        assert str(tmp_path / "file") in opened_files()
    assert str(tmp_path / "file") not in opened_files()
