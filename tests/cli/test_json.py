"""What `--json` prints: one document on standard output, as the schema of its command describes it."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import COLOURS, Command, Photos
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from retrainer import Labeler
from retrainer.answers.texts import original, plain
from scripts.write_formats import PAGE, PARTS, SCHEMAS, sections
from scripts.write_readme import section

HOSTILE = os.fsdecode(b"=cmd()\x1b[31m\n\xe2\x80\xae \xff\\u0041.jpg")
REGISTRY = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items())
Checked = Callable[..., Any]


def checked(printed: str, command: str) -> Any:
    """The document that was printed, if it is as its schema says, and nothing else was printed."""
    document = json.loads(printed, parse_constant=pytest.fail)
    schema = SCHEMAS[f"{command.replace('--', '').replace(' ', '_').replace('__', '_')}.json"]
    Draft202012Validator(schema, registry=REGISTRY).validate(document)
    assert (document["format"], document["command"]) == (1, command)
    assert not any(odd in printed for odd in ("\x1b", "\u202e", "\udcff"))
    return document


@pytest.fixture
def document(command: Command) -> Checked:
    """Runs a command with `--json`; returns its document."""

    def run(name: str, *arguments: str | Path, code: int = 0) -> Any:
        done = command(*name.split(), *arguments, "--json")
        assert done.returncode == code, done.stderr
        return checked(done.stdout, name)

    return run


@pytest.fixture
def flags(photos: Photos, model_dir: Path) -> list[str]:
    """The flags of a run on two classes with a hostile file and a copy."""
    root = photos(count=20)
    (root / "red" / HOSTILE).write_text("no photo")
    shutil.copy(root / "red" / "000.jpg", root / "red" / "copy.jpg")
    return ["--image_dir", str(root), "--model_dir", str(model_dir)]


def test_a_run_is_a_document(flags: list[str], photos: Photos, document: Checked, tmp_path: Path) -> None:
    line = ("retrain", *flags, "--architecture", COLOURS)
    first = document(*line, "--learning_curve")
    assert (first["photos"], first["skipped"], first["previous"], first["changes"]) == (41, 1, None, None)
    assert (tmp_path / first["model"]["graph"]).is_file()
    assert first["model"]["model_id"] == Labeler(tmp_path / first["model"]["files"]["tflite"]).metadata.model_id
    assert (first["folds"]["number"], len(first["folds"]["accuracies"])) == (5, 5)
    assert first["folds"]["assessment"]["interval"][1] == 1.0
    assert first["learning_curve"]["points"][-1]["accuracy"] == first["folds"]["assessment"]["accuracy"]
    assert first["duplicates"] == {"photos": 1, "table": "tf_files/duplicates.csv"}
    kinds = {problem["kind"]: problem for problem in first["problems"]}
    assert os.path.basename(original(kinds["skipped"]["path"])) == HOSTILE
    assert "1 of 41 photos is a copy of another" in kinds["warning"]["problem"]
    assert [one.split()[:2] for one in first["next"]][:2] == [["retrainer", "label"], ["retrainer", "evaluate"]]

    photos({"orange": (200, 33, 33)}, count=20)
    second = document(*line, "--folds", "0")
    assert (second["folds"], second["learning_curve"]) == (None, None)
    assert second["changes"]["new_photos"] == 20
    assert second["changes"]["new_classes"] == second["previous"]["new_classes"] == ["orange"]
    assert second["previous"]["compared"]["count"] + second["previous"]["left_out"] <= second["test"]["count"]
    wrong = second["test"]["count"] - round(second["test"]["accuracy"] * second["test"]["count"])
    assert len(second["mistakes"]) == wrong
    assert all(one["label"] != one["predicted"] and 1 / 3 <= one["score"] <= 1 for one in second["mistakes"])


def test_a_comparison_is_a_document(flags: list[str], document: Checked) -> None:
    found = document("retrain --compare", f"{COLOURS},pocket,no such network", *flags, code=1)
    best, other = found["backbones"]
    assert (best["to_best"], other["to_best"]["count"]) == (None, 41)
    assert best["assessment"]["count"] == 41
    assert [one["architecture"] for one in found["failed"]] == ["no such network"]


def test_findings_are_a_document(flags: list[str], document: Checked) -> None:
    found = document("clean", *flags, "--architecture", COLOURS, "--accept", "all", "--measure")
    assert {one["finding"] for one in found["findings"]} >= {"copy", "unreadable"}
    (unreadable,) = (one for one in found["findings"] if one["finding"] == "unreadable")
    assert os.path.basename(original(unreadable["path"])) == HOSTILE
    assert (unreadable["suggestion"], unreadable["action"], unreadable["part"]) == ("set aside", "set aside", None)
    assert found["effect"]["folds"] == 5
    assert any(one.endswith("--clean_list tf_files/clean.csv") for one in found["next"])


def test_what_is_known_of_a_model_is_a_document(
    flags: list[str], command: Command, document: Checked, photos: Photos, tmp_path: Path
) -> None:
    assert command("retrain", *flags, "--architecture", COLOURS).returncode == 0
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=4, root="other")
    os.rename(other / "green" / "000.jpg", other / "red" / HOSTILE)
    measured = document("evaluate", "--image_dir", "other", "--mistakes", "mistakes.json")
    (listed,) = checked((tmp_path / "mistakes.json").read_text("utf-8"), "evaluate --mistakes")["rows"]
    (mistake,) = measured["mistakes"]
    assert (original(mistake["path"]), mistake["label"], mistake["predicted"]) == (
        f"other/red/{HOSTILE}",
        "red",
        "green",
    )
    assert listed.items() >= mistake.items()
    assert measured["assessment"]["confusion"] == [[3, 0], [1, 4]]
    (row,) = document("label", other / "red" / HOSTILE)["rows"]
    assert os.path.basename(original(row["path"])) == HOSTILE
    looked = document("inspect", "--tensorboard", "logs")
    assert looked["metadata"]["labels"] == ["green", "red"]
    assert (tmp_path / looked["tensorboard"]).is_file()
    (run,) = document("runs")["runs"]
    assert (run["model_id"], run["group"]) == (looked["metadata"]["model_id"], None)
    with (tmp_path / "tf_files" / "runs.jsonl").open("a") as history:
        history.write("damage")
    assert "Skipped line 2" in document("runs")["problems"][0]["problem"]


def test_lists_are_documents(document: Checked, model_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(model_dir / COLOURS, tmp_path / HOSTILE / COLOURS)
    place = ("--model_dir", tmp_path / HOSTILE)
    names = [one["name"] for one in document("architectures", *place)["architectures"]]
    assert {COLOURS, "pocket", "efficientnet_lite0"} <= set(names)
    listed = document("cache", *place)
    assert original(listed["folder"]) == str(tmp_path / HOSTILE)
    assert [(one["name"], one["bytes"]) for one in listed["items"]] == [(COLOURS, listed["bytes"])]
    os.utime(tmp_path / HOSTILE / COLOURS / "backbone.json", (0, 0))
    pruned = document("cache prune", "--older_than", "1d", "--dry_run", *place)
    assert (pruned["dry_run"], pruned["kept"]) == (True, [])


def test_numbers_that_json_lacks_are_null_and_texts_are_stored() -> None:
    value: dict[object, object] = {"a\n": [math.nan, -math.inf, 0.1, True, None], 2: (HOSTILE, {})}
    written = json.dumps(plain(value), allow_nan=False)
    assert json.loads(written)[r"a\u000a"] == [None, None, 0.1, True, None]
    assert original(json.loads(written)["2"][0]) == HOSTILE


def retrainer(line: str, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """Runs a line of bash in which `retrainer` is the command, in a terminal that knows ASCII only."""
    program = "from retrainer.cli.main import main; main()"
    script = f"set -o pipefail; retrainer() {{ '{sys.executable}' -c '{program}' \"$@\"; }}; {line}"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    return subprocess.run(["bash", "-c", script], capture_output=True, cwd=folder, env=environment, timeout=120)


def test_a_document_is_utf_8_and_ends_clearly_if_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "Modèle").mkdir()
    done = retrainer("retrainer cache --json --model_dir Modèle", tmp_path)
    assert json.loads(done.stdout.decode())["folder"] == "Modèle"
    done = retrainer("retrainer architectures --json | true", tmp_path)
    assert (done.returncode, done.stderr) == (141, b"")
    done = retrainer("retrainer architectures --json > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (1, b"Error: No space left on device.\n")


@pytest.mark.parametrize("line", ["retrain --image_dir x", "evaluate", "inspect", "runs", "label x.jpg"])
def test_an_error_is_a_line_on_stderr_and_no_document(line: str, command: Command) -> None:
    done = command(*line.split(), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "0"], "Error: --folds: expected at least 2, received 0; backbones are compared by folds.\n"),
        (["--architecture", "pocket"], "Error: --compare: expected no --architecture beside it, since it names the "),
    ],
)
def test_a_comparison_says_what_it_cannot_heed(
    arguments: list[str], message: str, command: Command, photos: Photos
) -> None:
    done = command("retrain", "--image_dir", photos(), "--compare", COLOURS, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


def test_the_command_of_2017_compares_by_folds(flags: list[str], tmp_path: Path) -> None:
    line = [sys.executable, "-m", "scripts.retrain", *flags, f"--compare={COLOURS}", "--json"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert checked(done.stdout, "retrain --compare")["backbones"][0]["assessment"]["count"] == 41


def test_the_tables_of_fields_are_those_of_the_schemas() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    text = PAGE.read_text(encoding="utf-8")
    for name, table in sections().items():
        assert section(text, name) == table, "run python -m scripts.write_formats"
    assert PARTS in SCHEMAS


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_a_script_of_ci_fails_below_an_accuracy(
    flags: list[str], command: Command, photos: Photos, tmp_path: Path
) -> None:
    page = (PAGE.parents[1] / "cli" / "README.md").read_text(encoding="utf-8")
    (script,) = (one for one in page.split("```bash\n") if "--assert_accuracy_at_least" in one.split("```")[0])
    assert command("retrain", *flags, "--architecture", COLOURS).returncode == 0
    run = script.split("```")[0].replace("evaluate photos", "evaluate other")
    other = photos({"red": (120, 20, 20), "green": (20, 120, 20)}, count=4, root="other")
    passed = retrainer(f"({run})", tmp_path)
    assert (passed.returncode, passed.stderr) == (0, b""), passed.stderr
    assert passed.stdout == b"accuracy 1 of 8 photos\n"
    os.rename(other / "green" / "000.jpg", other / "red" / HOSTILE)
    failed = retrainer(f"({run})", tmp_path)
    assert failed.returncode == 3
    lines = failed.stdout.decode().splitlines()
    assert lines[0] == "accuracy 0.875 of 8 photos"
    assert (len(lines), lines[1][-22:]) == (2, ": red, taken for green")
    assert b"expected at least 0.9, received 0.8750." in failed.stderr
