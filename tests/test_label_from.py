"""Classes by the names of files, from training to the measuring of the model."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command, Configure, jpeg

from retrainer.errors import DatasetError
from retrainer.evaluation import evaluate
from retrainer.retraining import retrain

PATTERN = r"([^/]+?)\.\d+\."


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for label, channel in (("red", 0), ("Dark Green", 1)):
        for number in range(30):
            colour = [30, 30, 30]
            colour[channel] = 150 + 3 * number
            (tmp_path / "photos" / f"{label}.{number}.jpg").write_bytes(jpeg(tuple(colour)))  # type: ignore[arg-type]
    return tmp_path / "photos"


def test_a_model_remembers_where_its_classes_stand(flat: Path, configured: Configure) -> None:
    with pytest.raises(DatasetError, match="No valid folders of images found") as error:
        retrain(configured(flat))
    assert rf"--label_from '{PATTERN}' for the classes 'Dark Green' (30), 'red' (30)." in error.value.fix
    result = retrain(configured(flat, label_from=PATTERN))
    assert result.labels == ("dark green", "red")
    assert result.accuracy == 1
    own = evaluate(result.graph)
    assert (own.part, own.assessment.accuracy, own.assessment.count) == ("test", 1, result.count)
    other = flat.rename(flat.parent / "moved")
    assert evaluate(result.graph, image_dir=other, label_from=PATTERN).part == "test"
    with pytest.raises(DatasetError, match="No valid folders"):
        evaluate(result.graph, image_dir=other)


def test_the_flag_works_in_the_command_line(flat: Path, command: Command, model_dir: Path) -> None:
    run: Callable[..., subprocess.CompletedProcess[str]] = command
    (flat / "unnamed.jpg").write_bytes(jpeg((1, 2, 3)))
    done = run(
        *("retrain", "--image_dir", "photos", "--label_from", PATTERN, "--model_dir", model_dir),
        *("--architecture", "colours", "--folds", "0"),
    )
    assert done.returncode == 0, done.stderr
    assert "Test accuracy     100.0 %" in done.stdout
    problems = (flat.parent / "tf_files/problems.csv").read_text().splitlines()
    assert "left out,photos/unnamed.jpg,the pattern of --label_from finds no class in their names" in problems
    assert run("evaluate").stdout.startswith("Accuracy: 1\n")
    wrong = run("retrain", "--image_dir", "photos", "--label_from", "(", "--model_dir", model_dir)
    assert (wrong.returncode, wrong.stderr.splitlines()[-2][:39]) == (2, "Error: --label_from: expected a regular")
