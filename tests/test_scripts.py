"""The shell scripts on machines that lack something, and (slow) on one that lacks nothing; and the built wheel."""

import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Photos

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("bash", "env", "dirname", "cksum", "grep", "df", "awk", "cat", "find", "sort")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with nothing but the scripts, and a `bin` with nothing but the tools they may expect."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def program(path: Path, lines: str) -> None:
    """Makes an executable shell script."""
    path.write_text(f"#!/bin/bash\n{lines}\n")
    path.chmod(0o755)


def quickstart(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    line = ["bash", str(clone / "scripts" / "quickstart"), *arguments]
    environment = {"PATH": str(clone / "bin"), "HOME": str(clone)}
    return subprocess.run(line, cwd=clone, env=environment, capture_output=True, text=True, timeout=60)


def assert_says(done: "subprocess.CompletedProcess[str]", line: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"quickstart: {line}\n"


@pytest.mark.parametrize(
    ("pythons", "line"),
    [
        ({}, "Python 3.11 to 3.14 is needed; found none"),
        (
            {"python3": '[ "$1" = --version ] && echo Python 3.9.2; exit 0'},
            "Python 3.11 to 3.14 is needed; found Python 3.9.2",
        ),
        (
            {"python3.12": "case $2 in *ensurepip*) exit 1 ;; *) echo 3.12 ;; esac"},
            "Python 3.12 is here without venv; on Debian and Ubuntu: apt install python3.12-venv",
        ),
    ],
    ids=["none", "old", "without venv"],
)
def test_without_a_python_that_fits_it_says_what_is_needed(clone: Path, pythons: dict[str, str], line: str) -> None:
    for name, lines in pythons.items():
        program(clone / "bin" / name, lines)
    assert_says(quickstart(clone), line)


def test_a_broken_python_is_passed_over_and_the_newest_other_is_taken(clone: Path) -> None:
    program(clone / "bin" / "python3.13", "echo 'command not found' >&2; exit 127")
    program(clone / "bin" / "python3.12", 'case $1 in -c) echo 3.12 ;; *) echo "$@" >used; exit 1 ;; esac')
    program(clone / "bin" / "python3.11", "echo 3.11")
    done = quickstart(clone)
    assert_says(done, f"python3.12 could not make a virtual environment in {clone}/.venv")
    assert (clone / "used").read_text() == "-m venv --clear .venv\n"


def test_the_tests_need_a_python_that_has_tensorflow(clone: Path) -> None:
    program(clone / "bin" / "python3.14", "case $2 in *'(3, 14)'*) echo 3.14 ;; *ensurepip*) exit 1 ;; esac")
    needed = {"quickstart": "3.14 is here without venv", "test": "Python 3.11 to 3.13 is needed; found Python 3.14.1"}
    program(clone / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.14.1; exit 0')
    for script, line in needed.items():
        environment = {"PATH": str(clone / "bin"), "HOME": str(clone)}
        done = subprocess.run(
            ["bash", str(clone / "scripts" / script)], cwd=clone, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert line in done.stderr


def test_a_full_disk_is_named(clone: Path) -> None:
    program(clone / "bin" / "python3.11", "echo 3.11")
    (clone / "bin" / "df").unlink()
    program(clone / "bin" / "df", "echo Filesystem; echo '/dev/x 100 90 2048000 98% /'")
    assert_says(quickstart(clone), f"3 GB of disk are needed here, 2000 MB are free; make room in {clone}")


def test_a_wrong_folder_is_named_before_anything_is_installed(clone: Path) -> None:
    assert_says(quickstart(clone, "phots"), "expected a folder with a sub-folder of photos per class, received 'phots'")
    assert not (clone / ".venv").exists()


def installed(clone: Path, extra: str, **programs: str) -> None:
    """Makes an environment that is complete for the scripts, with these programs in it."""
    environment = clone / ".venv" / "bin"
    environment.mkdir(parents=True)
    for name, lines in {"python": "exit 0", **programs}.items():
        program(environment / name, lines)
    checksum = run("bash", "-c", "cksum <pyproject.toml", cwd=clone).stdout.strip()
    (clone / ".venv" / ".retrainer-installed").write_text(f"{clone} {checksum} {extra}\n")


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["-k", "name"], ["pytest -m not slow -k name"]),
        (["--slow", "-x"], ["pytest -m  -x"]),
        ([], ["pytest -m not slow --cov"]),
        (["--slow"], ["pytest -m  --cov"]),
    ],
)
def test_whole_runs_of_the_tests_are_measured_and_others_are_not(
    arguments: list[str], ran: list[str], clone: Path
) -> None:
    tools = {name: f'echo "{name} $*"' for name in ("ruff", "mypy", "pytest")}
    installed(clone, "test", **tools)
    lines = run("bash", clone / "scripts" / "test", *arguments, cwd=clone).stdout.splitlines()
    assert lines[:3] == ["ruff format --check .", "ruff check .", "mypy "]
    assert [line.split(" --cov-report")[0] for line in lines[4:]] == ran


def test_a_photo_in_a_folder_below_its_class_is_labelled(clone: Path) -> None:
    installed(clone, "", retrainer='case $1 in label) echo "labelled ${@: -1}" ;; esac')
    for name in ("daisy/.thumbnails/0.jpg", "daisy/2023/may/1.jpg", "daisy/2024/2.jpg"):
        (clone / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / "photos" / name).touch()
    done = quickstart(clone, str(clone / "photos"))
    assert done.returncode == 0
    assert f"labelled {clone}/photos/daisy/2023/may/1.jpg\n" in done.stdout


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that is removed at once: environments are large."""
    with tempfile.TemporaryDirectory() as folder:
        probe = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "hatchling"]
        if subprocess.run(probe, capture_output=True).returncode:
            pytest.skip("no package index can be reached")
        yield Path(folder)


def run(*line: str | Path, cwd: Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_the_quickstart_from_nothing(room: Path, photos: Photos) -> None:
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    for name in files:
        (room / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, room / name)
    first = run("scripts/quickstart", cwd=room)
    assert "They are drawings, not photos." in first.stdout
    assert "\nAccuracy        " in first.stdout
    assert "\ndaisy (score=" in first.stdout
    assert "Installing" in first.stderr
    unreadable = photos() / "green" / "000.jpg"
    unreadable.write_bytes(b"")
    second = run("scripts/quickstart", unreadable.parents[1], cwd=room)
    assert "Installing" not in second.stderr
    assert f"--image {unreadable.with_name('001.jpg')}\n" in second.stdout
    assert "\ngreen (score=" in second.stdout
    assert "drawings" not in second.stdout
    assert "Using the drawings" in run("scripts/quickstart", cwd=room).stdout


@pytest.mark.slow
def test_a_built_wheel_in_an_empty_environment(room: Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", room, ROOT, cwd=room)
    (wheel,) = room.glob("retrainer-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"retrainer"}
    bundle = ("backbone.json", "backbone.pb", "backbone.tflite", "CARD.md")
    assert {"retrainer/py.typed", *(f"retrainer/backbones/pocket/{name}" for name in bundle)} <= set(names)
    pages = (ROOT / "retrainer" / "pages").glob("*.[cj]s*")
    assert {f"retrainer/pages/{path.name}" for path in pages} <= set(names)
    venv.create(room / "env", with_pip=True)
    run(room / "env" / "bin" / "pip", "install", "--quiet", wheel, cwd=room)
    command = room / "env" / "bin" / "retrainer"
    assert "retrainer, version " in run(command, "--version", cwd=room).stdout
    run(command, "sample", "drawings", "--per_class", "10", cwd=room)
    assert "\nAccuracy        " in run(command, "retrain", "--image_dir", "drawings", cwd=room).stdout
    (room / "tf_files" / "retrained_graph.tflite").rename(room / "alone.tflite")
    for graph in ("alone.tflite", "tf_files/retrained_graph.pb"):
        shown = run(command, "label", "--graph", graph, "--image", "drawings/rose/rose_001.jpg", cwd=room)
        assert shown.stdout.count("(score=") == 5
        assert shown.stderr == ""
    imported = run(room / "env" / "bin" / "python", "-c", "import tensorflow_hub; print('imported')", cwd=room)
    assert imported.stdout == "imported\n"
