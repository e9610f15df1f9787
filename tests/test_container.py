"""The container's Dockerfile does what the README says.

Docker is seldom where tests run. So its instructions are carried out here in a folder that stands for `/`, with a
virtual environment that stands for the image. What Docker itself does (layers, users, mounts) is not tested.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_recipes import RECIPES, made
from test_scripts import room

from scripts.write_readme import ROOT

__all__ = ("made", "room")
DOCKERFILE = ROOT / "scripts" / "Dockerfile"


def instructions() -> Iterator[tuple[str, str]]:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        if not line.startswith("#"):
            name, rest = line.split(maxsplit=1)
            yield name, rest


@dataclass
class Image:
    """A folder that stands for the root of an image, and what its instructions have set."""

    root: Path
    context: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    entry: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        return self.root / os.path.join(self.folder, path).lstrip("/")

    def build(self) -> None:
        for name, rest in instructions():
            getattr(self, f"_{name.lower()}")(rest)

    def _from(self, base: str) -> None:
        assert re.fullmatch(r"python:3\.1[123]-slim", base)
        venv.create(self.root / "usr", with_pip=True)

    def _user(self, name: str) -> None:
        assert name == "nobody"

    def _workdir(self, path: str) -> None:
        self.folder = path
        self.at(".").mkdir(parents=True, exist_ok=True)

    def _env(self, rest: str) -> None:
        name, value = rest.split("=")
        self.environment[name] = str(self.at(value))

    def _copy(self, rest: str) -> None:
        source, target = rest.split()
        found, to = self.context / source, self.at(target)
        if found.is_dir():
            shutil.copytree(found, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, to)

    def _run(self, rest: str) -> None:
        done = self.run(shlex.split(rest))
        assert done.returncode == 0, done.stderr

    def _entrypoint(self, rest: str) -> None:
        self.entry = [str(self.at(word)) if word.startswith("/") else word for word in json.loads(rest)]

    def run(self, line: list[str]) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": f"{self.root / 'usr' / 'bin'}:{os.environ['PATH']}", **self.environment}
        passed = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return subprocess.run(line, cwd=self.at("."), env=environment | passed, capture_output=True, text=True)


def test_the_container_is_made_of_files_that_are_there() -> None:
    build, start = RECIPES["Container"].splitlines()
    assert shlex.split(build)[:4] == ["docker", "build", "--file", str(DOCKERFILE.relative_to(ROOT))]
    tag = shlex.split(build)[shlex.split(build).index("--tag") + 1]
    assert tag in shlex.split(start)
    sources = [rest.split()[0] for name, rest in instructions() if name == "COPY"]
    assert [source for source in sources if not (ROOT / source).exists()] in ([], ["tf_files/retrained_graph.tflite"])
    (mounted,) = re.findall(r'--volume "\$PWD:(/\w+):ro"', start)
    assert ("WORKDIR", mounted) in instructions()


@pytest.mark.slow
def test_the_container_labels_photos(room: Path, made: Path) -> None:
    context = room / "context"
    for name in ("scripts", "retrainer"):
        shutil.copytree(ROOT / name, context / name)
    shutil.copytree(made / "tf_files", context / "tf_files")
    image = Image(room / "image", context)
    image.build()
    shutil.copy(made / "new_photo.jpg", image.at("new_photo.jpg"))
    given = shlex.split(RECIPES["Container"].splitlines()[1])[-1]
    done = image.run([*image.entry, given])
    assert done.returncode == 0, done.stderr
    assert "tulip (score=" in done.stdout
    size = sum(path.stat().st_size for path in image.root.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 400e6
