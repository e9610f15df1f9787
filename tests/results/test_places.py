"""From Python nothing is written that is not named."""

import copy
import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import COLOURS, Photos, jpeg

from retrainer import Labeler, Retraining, retrain
from retrainer.errors import ModelError, OptionError
from retrainer.system.temporary import TemporaryFolder

QUIET = """
import gc, json, logging, os, sys, warnings
warnings.simplefilter("error")
before = logging.root.level, logging.root.handlers[:], logging.root.manager.disable
from retrainer import Labeler, compare, evaluate, retrain

root, model_dir = sys.argv[1:]
options = {"architecture": "colours", "model_dir": model_dir}
result = retrain(root, folds=2, **options)
assert retrain(root, folds=2, **options).computed == 0
assert evaluate(result.graph, image_dir=root).accuracy == 1
assert compare(["colours"], root, folds=2, model_dir=model_dir).backbones[0].accuracy == 1
(temporary,) = os.listdir(os.environ["TMPDIR"])
labeler, photo = result.model, result.photo
del result
gc.collect()
assert os.listdir(os.environ["TMPDIR"]) == [temporary]
assert list(labeler.many([photo] * 40))[39].label == os.path.basename(os.path.dirname(photo))
assert (logging.root.level, logging.root.handlers, logging.root.manager.disable) == before
retrain(root, folds=0, **options)
"""


def test_a_program_leaves_its_folder_and_its_terminal_as_they_were(
    photos: Photos, model_dir: Path, tmp_path: Path
) -> None:
    root = photos({"red": (200, 30, 30), "blue": (30, 30, 200)})
    (root / "red" / "copy.jpg").write_bytes((root / "red" / "000.jpg").read_bytes())
    folders = {name: tmp_path / name for name in ("home", "temporary", "empty")}
    for folder in folders.values():
        folder.mkdir()
    environment = {**os.environ, "RETRAINER_HOME": str(folders["home"]), "TMPDIR": str(folders["temporary"])}
    line = [sys.executable, "-c", QUIET, str(root), str(model_dir)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folders["empty"], env=environment, timeout=120)
    # LiteRT itself writes a line that nobody can keep it from.
    told = [line for line in done.stderr.splitlines() if "XNNPACK" not in line]
    assert (done.returncode, done.stdout, told) == (0, "", []), done.stderr
    assert not list(folders["empty"].iterdir())
    assert not list(folders["temporary"].iterdir())
    cached = sorted(path.name.split("-")[0] for path in (folders["home"] / "bottlenecks").glob("[!.]*"))
    assert cached == ["colours", "copies", "files", "fingerprints"]


@pytest.fixture
def result(photos: Photos, model_dir: Path) -> Retraining:
    return retrain(photos(), model_dir=model_dir, architecture=COLOURS, folds=2)


def test_a_model_without_a_place_goes_with_its_result(result: Retraining) -> None:
    assert result.folder
    folder = result.folder.path
    assert {path.parent for path in map(Path, result.files.values())} == {folder}
    assert list(result.files) == ["pb", "tflite", "labels", "scores", "run"]
    assert 'model      in a temporary folder; save("model.tflite") keeps it' in repr(result)
    del result
    gc.collect()


def test_a_result_can_be_saved_where_output_graph_would_write_it(result: Retraining, here: Path) -> None:
    assert result.save("kept/model.tflite") == "kept/model.tflite"
    assert result.save(here / "kept" / "model.tflite") == str(here / "kept" / "model.tflite")
    names = ["model.labels.txt", "model.pb", "model.run.json", "model.scores.parquet", "model.tflite"]
    assert sorted(path.name for path in (here / "kept").iterdir()) == names
    assert (here / "kept" / "model.labels.txt").read_text() == "green\nred\n"
    for name in ("pb", "tflite"):
        assert (here / "kept" / f"model.{name}").read_bytes() == Path(result.files[name]).read_bytes()
        assert Labeler(f"kept/model.{name}").metadata.model_id == result.model_id


def test_a_saved_model_keeps_the_one_that_it_replaces(
    result: Retraining, photos: Photos, model_dir: Path, here: Path
) -> None:
    other = retrain(photos(), model_dir=model_dir, architecture=COLOURS, folds=0, seed=1)
    other.save("model.tflite")
    result.save("model.tflite")
    assert Labeler("model.previous.tflite").metadata.model_id == other.model_id
    assert Labeler("model.tflite").metadata.model_id == result.model_id


@pytest.mark.parametrize("path", ["", "model.h5", "a\0b", 3, None])
def test_a_path_that_no_model_can_have_is_one_line(path: str, result: Retraining, here: Path) -> None:
    with pytest.raises(OptionError):
        result.save(path)
    assert not list(here.glob("model*"))


def test_a_model_that_another_run_replaced_is_not_taken_for_it(photos: Photos, model_dir: Path, here: Path) -> None:
    options: dict[str, Any] = {"model_dir": model_dir, "architecture": COLOURS, "folds": 0}
    options["output_graph"] = "model.tflite"
    first = retrain(photos(), **options)
    assert list(first.files) == ["pb", "tflite", "run"]
    retrain(photos({"blue": (30, 30, 200)}), **options)
    for work in (lambda: first.model, lambda: first.save("other.tflite")):
        with pytest.raises(ModelError, match=r"^'model\.pb' was replaced by another model") as error:
            work()
        assert error.value.path == "model.pb"
    (here / "model.tflite").unlink()
    (here / "model.pb").unlink()
    with pytest.raises(ModelError, match=r"^'model\.pb' is no longer there"):
        first.save("other.tflite")


def test_copies_of_a_result_have_its_model(result: Retraining, tmp_path: Path) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg((200, 40, 40)))
    assert result.model(tmp_path / "new.jpg").label == "red"
    pickled, folder = pickle.dumps(result), Path(result.graph).parent
    for made in (pickle.loads(pickled), copy.copy(result), copy.deepcopy(result)):
        assert Path(made.graph).parent != folder
        assert made.model(tmp_path / "new.jpg").label == "red"
        assert made.to_dict()["model"]["model_id"] == result.model_id


def test_a_model_is_found_from_another_working_folder(
    photos: Photos, model_dir: Path, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = retrain(photos(), architecture=COLOURS, model_dir=model_dir, output_graph="model.tflite")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result.save("copy.tflite")
    copied = pickle.loads(pickle.dumps(result))
    assert copied.files == result.files
    assert result.model.metadata == copied.model.metadata == Labeler("copy.tflite").metadata


def test_a_model_that_is_gone_is_not_pickled(result: Retraining) -> None:
    os.remove(result.graph)
    with pytest.raises(ModelError, match=r"cannot be read: No such file") as caught:
        pickle.dumps(result)
    assert caught.value.path == result.graph


def test_a_forked_child_leaves_the_folder_to_its_parent() -> None:
    folder = TemporaryFolder()
    path = folder.path
    child = os.fork()
    if not child:
        del folder
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert path.is_dir()
    del folder
    gc.collect()
    assert not path.exists()


def test_intermediate_models_need_a_place(photos: Photos, model_dir: Path) -> None:
    with pytest.raises(OptionError, match=r"^--intermediate_output_graphs_dir is missing: expected a folder"):
        retrain(photos(), model_dir=model_dir, architecture=COLOURS, intermediate_store_frequency=5)
