"""The README, and the pages on commands and on Python, say what the code does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import retrainer
from retrainer.backbones.architectures import architectures
from retrainer.training.metrics import accuracy_interval
from scripts.write_readme import COMMANDS, GROUPS, README, ROOT, section, session, tables

TEXT = README.read_text(encoding="utf-8")
PAGE = COMMANDS.read_text(encoding="utf-8")
BACKBONES = (ROOT / "retrainer" / "backbones" / "README.md").read_text(encoding="utf-8")
INSTALL = (ROOT / "scripts" / "INSTALL.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "retrainer" / "PYTHON.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
DEFAULT = architectures()["efficientnet_lite0"].package
needs_the_default = pytest.mark.skipif(
    DEFAULT is None or DEFAULT.path() is None, reason="the weights of the default backbone are not installed"
)


@pytest.mark.parametrize("name", GROUPS)
def test_the_tables_of_flags_are_those_of_the_code(name: str) -> None:
    assert section(PAGE, name) == tables(GROUPS[name]), "run python -m scripts.write_readme"


def without_times(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"Step [1-9]\d*", "Step LAST", line)  # rounding decides how many iterations there are
    line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", "NOW", line)
    line = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d ", "NOW ", line)
    return re.sub(r"( in)? \d+\.\d+ ?s\b", "", line)  # less than 0.05 s are not said


@needs_the_default
def test_the_session_prints_what_the_page_shows() -> None:
    printed = [without_times(line) for line in session().splitlines()]
    shown = [without_times(line) for line in section(PAGE, "session").splitlines()]
    assert [NUMBER.sub("#", line) for line in printed] == [NUMBER.sub("#", line) for line in shown]
    # Processors round differently, and a long training magnifies it a little.
    for line, expected in zip(printed, shown, strict=True):
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (line, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.03), expected


@needs_the_default
def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from retrainer.options.sampling import SampleOptions
    from retrainer.photos.sample import draw_sample

    monkeypatch.chdir(tmp_path)
    draw_sample("drawings", SampleOptions(per_class=12))
    (example,) = re.findall(r"```python\n(.*?)```", PYTHON, re.DOTALL)
    exec(compile(example, "PYTHON.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[1].startswith("tulip ")


def test_every_public_name_is_described() -> None:
    for name in retrainer.__all__:
        assert name in PYTHON


def test_the_readme_is_short() -> None:
    lines = TEXT.splitlines()
    assert len(lines) <= 200
    assert all(len(line) <= 120 for line in lines if not line.startswith(("|", "[![", "![")))
    contents = re.findall(r"\[[^]]+\]\(#([\w-]+)\)", TEXT.split("## ")[0])
    assert contents == [heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)]


def outside_of_recipes(text: str) -> str:
    return text.split("<!-- recipes -->", maxsplit=1)[0] + text.split("<!-- end of recipes -->")[1]


def test_scripts_flags_and_figures_of_the_readme_are_those_of_the_code() -> None:
    text = outside_of_recipes(TEXT)
    for script in re.findall(r"\bscripts/[\w./-]*\w", text):
        assert (ROOT / script).exists(), script
    for flag in set(re.findall(r"(?<=[` ])--\w[\w-]+", text)) - {"--version", "--no-deps"}:
        assert f"| `{flag}` |" in PAGE, flag
    assert "NEEDED_KB=$((3 * 1024 * 1024))" in (ROOT / "scripts" / "environment.sh").read_text(encoding="utf-8")
    assert "3 GB of disk" in text
    sizes = dict(re.findall(r"^\| `requirements-(\w+)\.txt` .* \| (\d+ MB) \|$", INSTALL, re.MULTILINE))
    assert f"({sizes['retrain']}). To label only, take `requirements-label.txt` ({sizes['label']})" in text
    low, high = accuracy_interval(0.9 * 125, 125)
    assert f"90 % of 125 test photos are right, the accuracy may still be {100 * low:.0f} or {100 * high:.0f} %" in text
    times = dict(re.findall(r"^\| `(fast|best)`.* \| ([^|]+) \|$", BACKBONES, re.MULTILINE))
    assert times == {"fast": "0.3", "best": "about 10"}
    assert "in a third of the time" in text
    assert "if it may take ten times as long" in text


@pytest.mark.slow
@needs_the_default
def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but those that install, download or are run by the tests of recipes."""
    from retrainer.options.sampling import SampleOptions
    from retrainer.photos.sample import draw_sample

    monkeypatch.chdir(tmp_path)
    draw_sample("photos", SampleOptions(per_class=12))
    shutil.copy("photos/rose/rose_001.jpg", "new_photo.jpg")
    shutil.copytree("photos", "tf_files/flower_photos")
    shutil.copy("new_photo.jpg", "tf_files/flower_photos/daisy/21652746_cc379e0eea_m.jpg")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    text = outside_of_recipes(TEXT)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    inline = re.findall(r"`(retrainer (?!fetch)[^`]+)`", text)
    commands = [line for line in [*lines, *inline] if line.startswith(("retrainer ", "python -m "))]
    assert len(commands) > 10
    for command in commands:
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
