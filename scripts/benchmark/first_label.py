"""Measures how long somebody waits who only reads the README: from `git clone` to the first labelled photo.

    python -m scripts.benchmark.first_label

It clones this repository as it was last committed, and runs `scripts/quickstart` there with empty folders for
retrainer's and pip's caches. Most of the time is pip's, and depends on the connection to the package index.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from retrainer.backbones.model_folders import HOME_VARIABLE
from scripts.benchmark.commands import PROJECT

# What is done when a line of the quickstart begins like this.
_DONE = {
    "installed": re.compile(r"Drawing "),
    "drawn": re.compile(r"Retraining "),
    "retrained": re.compile(r"Labelling "),
    "labelled": re.compile(r".* \(score="),
}


def seconds(repository: str, folder: Path) -> dict[str, float]:
    """Clones a repository into a new folder and follows its quickstart.

    Returns:
        What was done, in order, and how many seconds after the start: `cloned`, then the names of `_DONE`.

    Raises:
        SystemExit: a command failed.
    """
    started = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", repository, str(folder / "clone")], check=True)
    found = {"cloned": time.perf_counter() - started}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {HOME_VARIABLE: str(folder / "home"), "PIP_CACHE_DIR": str(folder / "pip"), "PYTHONUNBUFFERED": "1"}
    line = ["scripts/quickstart"]
    with subprocess.Popen(
        line, cwd=folder / "clone", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = []
        for text in process.stdout or ():
            said.append(text)
            found |= {
                name: time.perf_counter() - started
                for name, begins in _DONE.items()
                if name not in found and begins.match(text)
            }
    if process.returncode or set(found) != {"cloned", *_DONE}:
        sys.exit(f"scripts/quickstart ended with {process.returncode}:\n{''.join(said)}")
    return found


@click.command()
@click.option("--repository", default=PROJECT, show_default="this one", help="Address or path of the repository.")
def main(repository: str) -> None:
    """Prints when each step was done, in seconds after the start."""
    with tempfile.TemporaryDirectory() as folder:
        for name, after in seconds(repository, Path(folder)).items():
            click.echo(f"{name:10} {after:6.1f} s")


if __name__ == "__main__":
    main()
