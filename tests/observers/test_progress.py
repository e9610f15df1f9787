"""How long work shows its progress: lines without a terminal, a bar in one."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from terminals import in_terminal

from retrainer.observers.progress import Progress

BAR = """
import sys, time
from retrainer.observers.progress import Progress
with Progress(sys.argv[1]) as progress:
    for done in (250, 600, 1250):
        progress.show("Reading photos", done, 1250)
        time.sleep(0.15)
        if done == 600:
            progress.say("A line [bold]above\\x1b[1m the bar", "yellow")
"""
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(capsys: pytest.CaptureFixture[str], steps: Sequence[tuple[float, int]], total: int) -> list[str]:
    """The lines for some numbers of photos after some seconds."""
    clock = Clock()
    with Progress("plain", clock) as progress:
        for seconds, done in steps:
            clock.now = 100 + seconds
            progress.show("Reading photos", done, total)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_line_for_every_tenth_unless_it_comes_too_soon(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [(second, 25 * second) for second in range(41)]
    assert shown(capsys, steps, 1000) == [
        "Reading photos: 125 of 1,000 (12 %), about 35 s left",
        "Reading photos: 250 of 1,000 (25 %), about 30 s left",
        "Reading photos: 375 of 1,000 (38 %), about 25 s left",
        "Reading photos: 500 of 1,000 (50 %), about 20 s left",
        "Reading photos: 625 of 1,000 (62 %), about 15 s left",
        "Reading photos: 750 of 1,000 (75 %), about 10 s left",
        "Reading photos: 875 of 1,000 (88 %), about 5 s left",
    ]


def test_slow_work_shows_a_line_every_thirty_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [(second, second) for second in range(0, 100, 10)]
    assert shown(capsys, steps, 100_000) == [
        "Reading photos: 30 of 100,000 (0 %), about 28 h left",
        "Reading photos: 60 of 100,000 (0 %), about 28 h left",
        "Reading photos: 90 of 100,000 (0 %), about 28 h left",
    ]
    assert shown(capsys, [(0, 0), (31, 7)], 0) == ["Reading photos: 7"]


def test_quick_work_shows_nothing_and_other_work_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, [(0, 1), (4, 900), (4.5, 1000)], 1000) == []
    clock = Clock()
    with Progress("auto", clock) as progress:
        progress.show("Reading photos", 1, 10)
        clock.now += 8
        progress.show("Downloading", 1_000_000, 50_000_000, in_bytes=True)
        clock.now += 6
        progress.show("Downloading", 11_000_000, 50_000_000, in_bytes=True)
    assert capsys.readouterr().err == "Downloading: 11.0 of 50.0 MB (22 %), about 23 s left\n"


def test_none_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("none", clock) as progress:
        progress.show("Reading photos", 1, 10)
        clock.now += 100
        progress.show("Reading photos", 9, 10)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_bar_fits_its_terminal_and_leaves_nothing_behind(columns: int, tmp_path: Path) -> None:
    printed = in_terminal(["-c", BAR, "auto"], columns, tmp_path)
    drawn = [ANSI.sub("", line) for line in re.split(r"[\r\n]", printed)]
    bars = [line for line in drawn if "/1250" in line]
    assert any(line.startswith("Reading photos ") for line in bars), printed
    assert max(map(len, drawn)) <= columns
    assert "\x1b[33mA line [bold]above\\x1b[1m the bar" in printed
    assert "\x1b[?25h" in printed
    assert drawn[-1] == ""


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"CI": "true"}])
def test_no_bar_if_a_line_cannot_be_drawn_again(variables: dict[str, str], tmp_path: Path) -> None:
    printed = in_terminal(["-c", BAR, "auto"], 80, tmp_path, variables)
    assert ("\x1b" in printed) == ("CI" in variables)
    assert ANSI.sub("", printed) == "A line [bold]above\\x1b[1m the bar\n"


def test_no_color_and_plain(tmp_path: Path) -> None:
    printed = in_terminal(["-c", BAR, "plain"], 80, tmp_path, {"NO_COLOR": "1"})
    assert printed == "A line [bold]above\\x1b[1m the bar\n"
