"""The notebooks are kept without outputs, and (slow) run from top to bottom."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from seen_html import require_harmless

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "scripts" / "notebooks").glob("*.ipynb"))
NEEDED = ("nbclient", "ipykernel", "sklearn")
# In a process of its own, since it opens sockets and loops of events.
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def cells_of(path: Path) -> list[Mapping[str, Any]]:
    cells: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    code = [cell for cell in cells_of(path) if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] or cell["metadata"]] == []


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the notebook of flowers has run."""
    if missing := [name for name in NEEDED if not find_spec(name)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("notebook")
    # The settings of whoever runs the tests stay out of it.
    settings = {name: str(folder / "settings") for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    line = [sys.executable, "-c", RUN, str(ROOT / "scripts" / "notebooks" / "flowers.ipynb"), "executed.ipynb"]
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def outputs_of(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The source of a cell, and each of its outputs."""
    for cell in cells_of(folder / "executed.ipynb"):
        for output in cell.get("outputs", ()):
            yield "".join(cell["source"]), output


@pytest.mark.slow
def test_the_notebook_of_flowers_finds_what_was_misplaced(executed: Path) -> None:
    outputs = list(outputs_of(executed))
    assert [output for _, output in outputs if output["output_type"] == "error"] == []
    printed = "".join("".join(output["text"]) for _, output in outputs if output.get("name") == "stdout")
    for line in ("rose/daisy_000.jpg: rose, predicted daisy", "tulip/rose_001.jpg: tulip, predicted rose"):
        assert line in printed.replace("\\", "/")
    assert (executed / "flowers.tflite").is_file()
    assert not (executed / "tf_files").exists()


@pytest.mark.slow
def test_the_notebook_of_flowers_shows_values_as_html(executed: Path) -> None:
    shown = [
        (source.splitlines()[-1], "".join(output["data"]["text/html"]))
        for source, output in outputs_of(executed)
        if output["output_type"] == "execute_result" and "text/html" in output["data"]
    ]
    texts = {last: require_harmless(html).text for last, html in shown}
    assert "98.5 % of 200 photos right" in texts["result"]
    assert "Learning curve" in texts["result"]
    assert "100.0 % of 200 photos right" in texts["mended"]
    assert "Labeler of 5 classes" in texts["labeler"]
    assert "tulip" in texts['labeler("drawings/tulip/tulip_007.jpg")']
    progress = ["".join(output["data"]["text/plain"]) for _, output in outputs_of(executed) if is_progress(output)]
    assert len(progress) == 2
    assert all("Read 200 photos in 5 classes" in text for text in progress)


def is_progress(output: Mapping[str, Any]) -> bool:
    return bool(output["output_type"] == "display_data")
