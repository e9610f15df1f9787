"""The README, and the pages on commands and on Python, say what the code does."""

import re
from pathlib import Path

import pytest

import retrainer
from retrainer.backbones.architectures import architectures
from scripts.write_readme import COMMANDS, GROUPS, README, ROOT, SESSION, section, session, tables

TEXT = README.read_text(encoding="utf-8")
PAGE = COMMANDS.read_text(encoding="utf-8")
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
    assert len(lines) == 7
    assert lines[1].startswith("tulip ")


def test_every_public_name_and_format_is_described() -> None:
    for name in retrainer.__all__:
        assert name in PYTHON
    # tests/models/test_formats.py compares it with the code.
    assert "(retrainer/models/FORMATS.md)" in TEXT


def test_commands_in_the_readme_exist() -> None:
    for script in re.findall(r"\bscripts/[\w./-]*\w", TEXT):
        assert (ROOT / script).exists(), script
    assert all(command in PAGE for command in SESSION)
