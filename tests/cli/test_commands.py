"""A command is one row of a table."""

import sys
from pathlib import Path

import click
import pytest

from retrainer.cli import commands

SHOUT = """
import click

def shout(word):
    click.echo(word.upper())

command = click.Command("shout", params=[click.Argument(["word"])], callback=shout, help="Print a word in capitals.")
"""


@pytest.fixture
def shout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Adds a command from a module outside of retrainer."""
    (tmp_path / "shouting.py").write_text(SHOUT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(commands.COMMANDS, "shout", commands.Row("shouting", "Print a word in capitals."))
    monkeypatch.delitem(sys.modules, "shouting", raising=False)
    return "shout"


def test_a_command_from_outside_runs_by_its_name_and_is_listed(shout: str, capsys: pytest.CaptureFixture[str]) -> None:
    def ran(*arguments: str) -> str:
        assert commands._exit_code(commands.commands, arguments, "retrainer") == 0
        return capsys.readouterr().out

    listed = ran("--help")
    assert "  shout          Print a word in capitals.\n" in listed
    assert "shouting" not in sys.modules
    assert ran(shout, "loud") == "LOUD\n"
    assert ran(shout, "--help").startswith("Usage: retrainer shout [OPTIONS] WORD\n")


def test_an_unknown_command_names_the_nearest(shout: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands._exit_code(commands.commands, ["shuot"], "retrainer") == 2
    assert capsys.readouterr().err.endswith(f"Did you mean {shout}?\n")


def test_each_row_is_a_command_of_its_name() -> None:
    for name, row in commands.COMMANDS.items():
        command = commands.command_named(name)
        assert isinstance(command, click.Command)
        assert command.name == name
        assert row.summary.endswith(".")
