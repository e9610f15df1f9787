"""The help of each command, and what a command works on without a flag."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import Command, Photos, jpeg

from retrainer.cli import commands, retrain
from retrainer.cli.commands import COMMANDS, command_named
from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.options.groups import options_of
from retrainer.options.model import InspectOptions

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def printed(capsys: Capture, *arguments: str) -> str:
    commands._exit_code(commands.commands, arguments, "retrainer")
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_a_terminal_and_breaks_no_word(name: str, capsys: Capture, monkeypatch: Patch) -> None:
    wide = ""
    for width in (80, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        text = printed(capsys, *name.split(), "--help")
        assert max(map(len, text.splitlines())) <= width
        wide = wide or text
        assert set(text.replace("\\\n", " ").split()) == set(wide.split())


def test_help_has_sections_from_what_beginners_need_to_what_few_need(capsys: Capture) -> None:
    lines = printed(capsys, "retrain", "--help").splitlines()
    sections = [line.rstrip(":") for line in lines if line and not line.startswith((" ", "Usage"))]
    assert sections == [
        "Examples",
        "Start here",
        "How good is it",
        "Answers",
        "Photos and split",
        "Distortions",
        "Head",
        "Gradient descent (2017)",
        "Backbone",
        "Where things go",
        "Terminal",
    ]
    flags = re.findall(r"^  (?! ).*?--(\w+)", "\n".join(lines[lines.index("Start here:") :]), re.MULTILINE)
    assert sorted(flags) == sorted([*(item.name for item in options_of(retrain.RetrainFlags)), "help"])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_the_help_are_taken(name: str) -> None:
    command = command_named(name)
    examples = getattr(command, "examples", ())
    assert 1 <= len(examples) <= 3
    for example in examples:
        (typed,) = re.findall(r"\bretrainer [^|)]+", example)
        words = shlex.split(typed)
        assert words[:2] == ["retrainer", name]
        command.make_context(name, words[2:])


def test_nothing_typed_shows_three_lines_to_start_with(capsys: Capture) -> None:
    text = printed(capsys)
    assert "Commands:\n  retrain" in text
    (start,) = re.findall(r"^Start here:\n((?:  .*\n)+)", text, re.MULTILINE)
    for line in start.splitlines():
        program, name, *arguments = shlex.split(line)
        assert program == "retrainer"
        command_named(name).make_context(name, arguments)


def test_what_a_command_works_on_needs_no_flag() -> None:
    taken: list[str] = []
    command = command_of(
        "show", InspectOptions, lambda options: taken.append(options.graph), "", (), Subject("graph", "MODEL")
    )
    for arguments in (["a"], ["--graph=a"], ["a", "--graph", "a"], []):
        assert commands._exit_code(command, arguments, "show") == 0
    assert taken == ["a"] * 3 + [InspectOptions().graph]


@pytest.mark.parametrize(
    ("name", "option", "metavar"),
    [("retrain", "image_dir", "PHOTOS"), ("evaluate", "image_dir", "PHOTOS"), ("inspect", "graph", "MODEL")],
)
def test_two_different_things_to_work_on_are_refused(name: str, option: str, metavar: str, capsys: Capture) -> None:
    for flag in (f"--{option}", f"--{option.replace('_', '-')}"):
        assert commands._exit_code(commands.commands, [name, "a", flag, "b"], "retrainer") == 2
        assert capsys.readouterr().err == (
            f"Error: {metavar}: expected one value, received 'a' and --{option} 'b'.\nLeave one of the two out.\n"
        )
    assert commands._exit_code(commands.commands, [name, ""], "retrainer") == 2
    assert f"{metavar}: expected a path, received ''" in capsys.readouterr().err
    assert any(line.startswith(f"  {metavar}, --{option} ") for line in printed(capsys, name, "-h").splitlines())


def test_photos_and_models_are_taken_without_a_flag(command: Command, photos: Photos, tmp_path: Path) -> None:
    photos(count=20)
    (tmp_path / "photo.jpg").write_bytes(jpeg((190, 60, 20)))
    assert command("retrain", "photos", "--architecture", "pocket", "--folds=0").returncode == 0
    assert (
        "Measured on       the test photos of photos\n"
        in command("evaluate", "photos", "--image-dir", "photos", "-q").stdout
    )
    assert command("inspect", "tf_files/retrained_graph.tflite").stdout.startswith("Graph ")
    assert "red (score=" in command("label", "photo.jpg").stdout


def test_a_long_error_is_wrapped_in_a_terminal_and_its_fix_is_not(capsys: Capture, monkeypatch: Patch) -> None:
    for columns, ends in ((None, 0), ("40", 2)):
        monkeypatch.setenv("COLUMNS", columns) if columns else monkeypatch.delenv("COLUMNS", raising=False)
        assert commands._exit_code(commands.commands, ["label"], "retrainer") == 2
        problem, fix = capsys.readouterr().err.rstrip("\n").rsplit("\n", 1)
        assert (problem.count("\n"), fix) == (ends, "Type `retrainer label PHOTO`.")
        assert not columns or max(map(len, problem.splitlines())) <= 40
