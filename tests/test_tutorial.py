"""The tutorial's command lines, word for word, from the repository's root."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHARED, Photos
from servers import Server, sends

ROOT = Path(__file__).resolve().parents[1]
MODULE = SHARED / "modules" / "google" / "imagenet" / "mobilenet_v1_050_160" / "feature_vector" / "5"


def shell(line: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs a line of a shell in a folder that has the project's `scripts`."""
    line = line.replace("python ", f"'{sys.executable}' ", 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=folder, env=environment, timeout=300
    )


RETRAIN = (
    "python -m scripts.retrain --bottleneck_dir=tf_files/bottlenecks --how_many_training_steps=500 "
    '--model_dir=tf_files/models/ --summaries_dir=tf_files/training_summaries/"${ARCHITECTURE}" '
    "--output_graph=tf_files/retrained_graph.pb --output_labels=tf_files/retrained_labels.txt "
    '--architecture="${ARCHITECTURE}" --image_dir=tf_files/flower_photos'
)
LABEL = "python -m scripts.label_image --graph=tf_files/retrained_graph.pb --image={photo}"


@pytest.fixture
def folder(tmp_path: Path, photos: Photos) -> Path:
    """A folder with a small `tf_files/flower_photos`."""
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    photos({"red": (200, 30, 30), "green": (30, 200, 30)}, count=60, root="tf_files/flower_photos")
    return tmp_path


def test_the_tutorial_word_for_word(folder: Path) -> None:
    done = shell(RETRAIN, folder, ARCHITECTURE="pocket")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"Step \d+: Train accuracy", done.stderr)) == 51
    assert re.search(r"INFO:tensorflow:Final test accuracy = \d+\.\d% \(N=\d+\)", done.stderr)
    assert "Fold 1 of 5" not in done.stderr
    assert done.stdout.startswith("\nTest accuracy   ")
    assert (folder / "tf_files" / "training_summaries" / "pocket" / "train").is_dir()
    shown = shell(LABEL.format(photo="tf_files/flower_photos/red/001.jpg"), folder)
    assert shown.returncode == 0, shown.stderr
    assert re.match(r"\nEvaluation time \(1-image\): \d\.\d{3}s\n\nred \(score=0\.\d{5}\)\n", shown.stdout)


def test_the_split_is_that_of_2017_unless_another_is_asked_for(folder: Path) -> None:
    """The paths' hashes decide; they are the same wherever the tutorial's folder lies."""
    counts = []
    for more in ("", " --split_by content"):
        done = shell(RETRAIN + more, folder, ARCHITECTURE="pocket")
        counts.append(re.findall(r"Final test accuracy = .* \(N=(\d+)\)", done.stderr))
    from retrainer.photos.parts import Part
    from retrainer.photos.splits import split_by_path

    paths = [f"tf_files/flower_photos/{c}/{n:03d}.jpg" for c in ("green", "red") for n in range(60)]
    assert counts[0] == [str(len(split_by_path(paths, 10, 10).rows(Part.TESTING)))]
    assert counts[0] != counts[1]


def test_a_misspelt_flag_names_the_command(folder: Path) -> None:
    done = shell(RETRAIN + " --training_batch_size=9", folder, ARCHITECTURE="pocket")
    assert done.returncode == 2
    assert done.stderr == "Error: No such flag: --training_batch_size.\nDid you mean --train_batch_size?\n"


@pytest.mark.skipif(not MODULE.is_file(), reason="the real modules are not beside the project")
def test_the_tutorial_with_a_real_module(folder: Path, server: Server) -> None:
    server.answers = [sends(MODULE.read_bytes())]
    shutil.rmtree(folder / "tf_files" / "flower_photos")
    (folder / "tf_files" / "flower_photos").symlink_to(SHARED / "photos" / "flowers")
    architecture = server.handle
    line = RETRAIN.replace('training_summaries/"${ARCHITECTURE}"', "training_summaries/module")
    done = shell(line, folder, ARCHITECTURE=architecture)
    assert done.returncode == 0, done.stderr
    (accuracy,) = re.findall(r"Final test accuracy = (\d+\.\d)%", done.stderr)
    assert float(accuracy) > 80


def test_the_script_keeps_a_backbone_of_its_own(folder: Path) -> None:
    done = shell("python -m scripts.retrain --image_dir=tf_files/flower_photos --how_many_training_steps=5", folder)
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("tf_files/bottlenecks/pocket-*"))


def test_a_preset_replaces_the_backbone_of_the_script(folder: Path) -> None:
    """The run fails at the missing folder, after it has said what it takes."""
    for given in ("--preset best", "--preset=best"):
        done = shell(f"python -m scripts.retrain --image_dir=absent {given}", folder)
        line = "INFO:tensorflow:Preset 'best' stands for --architecture efficientnet_lite0@352"
        assert done.stderr.startswith(line)
