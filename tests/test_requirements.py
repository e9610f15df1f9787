"""The lists of packages of small installations; and (slow) environments made of them, in which commands run."""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.write_requirements import LEFT_OUT, ROOT, path_of, wanted

README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = tuple(LEFT_OUT)
PAGE = (ROOT / "scripts" / "INSTALL.md").read_text(encoding="utf-8")


def pinned(name: str) -> list[tuple[Requirement, int]]:
    """The packages of a list, each with its number of hashes."""
    lines = path_of(name).read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    split = [re.split(r"\s+--hash=sha256:(?=[0-9a-f]{64}\b)", line) for line in lines if not line.startswith("#")]
    return [(Requirement(first.strip()), len(hashes)) for first, *hashes in split]


def brought(names: set[str]) -> set[str]:
    """Packages, and all that they require on any system."""
    found: set[str] = set()
    while names:
        found |= names
        following: set[str] = set()
        for name in names:
            try:
                listed = [Requirement(text) for text in requires(name) or ()]
            except PackageNotFoundError:  # another system's
                continue
            following |= {canonicalize_name(one.name) for one in listed if "extra" not in str(one.marker or "")}
        names = following - found
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_list_holds_what_pyproject_requires_and_what_that_brings(name: str) -> None:
    listed = pinned(name)
    names = {canonicalize_name(package.name) for package, _ in listed}
    assert set(wanted(name)) <= names <= brought(set(wanted(name)))
    assert not names & {"tensorflow", "tensorflow-hub", "keras", "tf-keras", *(LEFT_OUT[name] - {"setuptools"})}
    for package, hashes in listed:
        assert hashes >= 1
        (pin,) = package.specifier
        assert pin.operator == "=="
        if package.name in wanted(name):
            assert Requirement(wanted(name)[package.name]).specifier.contains(pin.version), package.name


@pytest.mark.parametrize("name", NAMES)
def test_a_list_names_no_index(name: str) -> None:
    text = path_of(name).read_text(encoding="utf-8")
    assert set(re.findall(r"--[\w-]+", text)) == {"--hash"}
    assert "://" not in text


def block(heading: str) -> list[str]:
    """The commands below a heading of INSTALL.md."""
    (found,) = re.findall(rf"^## {heading}\n.*?^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [line for line in found.splitlines() if line]


class Small:
    """An environment that holds a list and the package, as INSTALL.md makes it, and a folder to work in."""

    def __init__(self, name: str, heading: str, folder: Path) -> None:
        venv.create(folder / "env", with_pip=True)
        self.folder, self._bin = folder, folder / "env" / "bin"
        install, self.commands = block(heading)[:2], block(heading)[2:]
        assert install == [f"pip install -r scripts/requirements-{name}.txt", "pip install --no-deps ."]
        (self.packages,) = (folder / "env" / "lib").glob("python*/site-packages")
        before = self._size()
        self.run(f"{install[0]} --quiet --require-hashes && {install[1]} --quiet", cwd=ROOT)
        self.megabytes = (self._size() - before) / 1e6

    def run(self, line: str, cwd: Path | None = None, code: int = 0) -> "subprocess.CompletedProcess[str]":
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PATH": path}
        options = {"cwd": cwd or self.folder, "env": environment, "capture_output": True, "text": True, "timeout": 600}
        done: subprocess.CompletedProcess[str] = subprocess.run(["bash", "-c", line], **options)  # type: ignore[call-overload]
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self.packages.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that is removed at once: environments are large."""
    folder = tmp_path_factory.mktemp("small")
    probe = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "hatchling"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no package index can be reached")
    yield folder
    shutil.rmtree(folder)


def assert_size(small: Small, name: str) -> None:
    (stated,) = re.findall(rf"^\| `requirements-{name}.txt` \|.*\| (\d+) MB \|$", PAGE, re.MULTILINE)
    sys.stdout.write(f"requirements-{name}.txt: {small.megabytes:.0f} MB\n")
    assert small.megabytes == pytest.approx(int(stated), rel=0.15)
    assert f"({stated} MB)" in README
    assert not list(small.packages.glob("tensorflow*"))


@pytest.mark.slow
def test_small_installations(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Retrains in one environment, and labels with that model in the other."""
    retraining = Small("retrain", "To retrain", folder / "retrain")
    printed = "".join(retraining.run(line).stdout for line in retraining.commands)
    assert "\nAccuracy        " in printed
    assert "(score=" in printed
    labelling = Small("label", "To label", folder / "label")
    shutil.copy(retraining.folder / "tf_files" / "retrained_graph.tflite", labelling.folder)
    shutil.copytree(retraining.folder / "drawings" / "rose", labelling.folder / "photos")
    shutil.copy(labelling.folder / "photos" / "rose_001.jpg", labelling.folder / "photo.jpg")
    printed = "".join(labelling.run(line).stdout for line in labelling.commands)
    assert printed.startswith("\nEvaluation time")
    assert len((labelling.folder / "labels.csv").read_text().splitlines()) == 41
    with capsys.disabled():
        for name, small in (("retrain", retraining), ("label", labelling)):
            assert_size(small, name)
    for small in (retraining, labelling):
        assert small.run("python -c 'import retrainer; print(retrainer.Labeler)'").stdout.startswith("<class")
    said = retraining.run("retrainer retrain drawings --architecture mobilenet_1.0_224", code=1).stderr
    if sys.version_info < (3, 14):
        assert said.splitlines()[-1] == (
            "Install it: pip install 'setuptools<81' 'tensorflow-hub>=0.16.1' 'tensorflow>=2.18'"
        )
    # The graph runs in a child process, which has no TensorFlow either.
    (retraining.folder / "tf_files" / "retrained_graph.pb").rename(retraining.folder / "alone.pb")
    said = retraining.run("retrainer label --graph alone.pb drawings/rose/rose_001.jpg", code=1).stderr
    assert said.startswith("Error: This needs 'tensorflow>=2.18', which is not installed.\n")
    said = labelling.run("retrainer retrain photos", code=1).stderr
    assert re.fullmatch(r"Error: This needs 'tensorboard.*\nInstall it: pip install .*'pyarrow>=18'.*\n", said)
