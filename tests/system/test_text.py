"""What comes from names, files and servers reaches a terminal as text only."""

import ast
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from conftest import COLOURS, Command, Configure, Photos
from servers import Server

from retrainer import retrain
from retrainer.cli.commands import commands, run
from retrainer.errors import DatasetError
from retrainer.events import Noted, Warned
from retrainer.observers.console import Console
from retrainer.text import pasted, printable, shown

# An escape sequence, a C1 control, a bell, a mark of direction, a character without width, rich's markup and an emoji.
HOSTILE = "\x1b[31mred\x9b0m\x07\u202egpj\u200b.[bold]:heart:"
ODD = [HOSTILE, "two\nlines", "it's", "a\\b", "\udcff", "$(touch x)", "-rf", "日本語"]


def assert_plain(text: str) -> None:
    """Nothing but printable characters and line ends."""
    found = {c for c in text if not c.isprintable() and c != "\n"}
    assert not found, repr(text)


def test_unprintable_characters_are_escaped() -> None:
    assert shown("a\nb\x1b[31m\udcff") == r"a\nb\x1b[31m\udcff"
    assert printable("a\nb\u202e\x85") == "a\nb\\u202e\\x85"
    assert shown("日本語 </script>") == "日本語 </script>"
    for text in ODD:
        assert_plain(shown(text))
        assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize("name", ODD)
def test_a_printed_command_works_when_it_is_pasted(name: str) -> None:
    assert_plain(pasted(name))
    done = subprocess.run(["bash", "-c", f"printf %s {pasted(name)}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name)


def test_on_windows_a_path_with_spaces_is_pasted_in_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert pasted(r"C:\photos\my model.pb") == r'"C:\photos\my model.pb"'
    assert pasted(r"C:\photos\model.pb") == r"C:\photos\model.pb"


def test_an_error_is_one_printable_line_and_its_fix() -> None:
    error = DatasetError(f"bad\n{HOSTILE}", f"first\n{HOSTILE}")
    assert_plain(str(error))
    assert str(error).count("\n") == 2


@pytest.mark.parametrize("event", [Warned, Noted])
def test_events_are_one_printable_line_each(event: type, capsys: pytest.CaptureFixture[str]) -> None:
    with Console() as console:
        console(event(f"forged\nERROR {HOSTILE}"))
    printed = capsys.readouterr().err
    assert_plain(printed)
    assert printed.count("\n") == 1


def test_only_one_module_prints() -> None:
    import retrainer

    for path in Path(retrainer.__file__).parent.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
        found = {ast.unparse(call) for call in calls} & {"print", "click.echo", "click.secho", "click.echo_via_pager"}
        assert not found or path.name in ("terminal.py", "__init__.py"), path


def drive(command: Command, *arguments: str | Path, code: int | None = None) -> str:
    """Both streams of a command, which are plain."""
    done = command(*arguments, errors="surrogateescape", env={**os.environ, "PYTHONUTF8": "1"})
    assert_plain(done.stdout)
    assert_plain(done.stderr)
    assert "Traceback" not in done.stderr
    assert code is None or done.returncode == code, done.stderr
    return str(done.stdout + done.stderr)


def test_no_command_passes_hostile_names_on(command: Command, photos: Photos, model_dir: Path, tmp_path: Path) -> None:
    root = photos({f"{HOSTILE}1": (200, 0, 0), f"{HOSTILE}2": (0, 200, 0)}, count=20)
    folder = root / f"{HOSTILE}1"
    (folder / f"{HOSTILE}.jpg").write_bytes(b"no photo")
    graph = tmp_path / f"{HOSTILE} it's.pb"
    arguments = ("--image_dir", root, "--model_dir", model_dir, "--architecture", COLOURS)
    told = drive(command, "retrain", *arguments, "--output_graph", graph, "--how_many_training_steps=2", code=0)
    line = next(line for line in told.splitlines() if "retrainer label" in line)
    named = line.split("--graph ")[1].split(" --image")[0]
    printed = subprocess.run(["bash", "-c", f"printf %s {named}"], capture_output=True, check=True)
    assert printed.stdout == os.fsencode(graph)
    compared = ("--compare", f"{HOSTILE},{COLOURS}")
    drive(command, "retrain", *arguments[:-2], *compared, code=1)
    drive(command, "retrain", *arguments, *compared, code=2)
    drive(command, "retrain", *arguments, "--image_dir", HOSTILE, code=2)
    drive(command, "retrain", *arguments, "--summaries_dir", root, code=2)
    drive(command, "label", "--graph", graph, *sorted(folder.iterdir())[:3])
    labels = tmp_path / f"{HOSTILE}.txt"
    labels.write_text(f"{HOSTILE}\nb\n")
    drive(command, "label", "--graph", graph, "--labels", labels, root / folder.name / "000.jpg", code=0)
    drive(command, "label", "--graph", graph, "--labels", labels, root, "--sort_into", tmp_path / f"s{HOSTILE}", code=0)
    drive(command, "unsort", tmp_path / f"s{HOSTILE}", code=0)
    drive(command, "evaluate", "--graph", graph, "--image_dir", root, code=0)
    drive(command, "evaluate", "--graph", graph, "--image_dir", root, "--json", code=0)
    drive(command, "inspect", "--graph", graph, "--tensorboard", tmp_path / HOSTILE, code=0)
    drive(command, "fetch", HOSTILE, COLOURS, "--model_dir", model_dir, "--to", tmp_path / HOSTILE, code=2)
    drive(command, "sample", tmp_path / HOSTILE, code=2)
    for name in ("retrain", "label", "evaluate", "inspect", "fetch", "architectures", "sample", "unsort", HOSTILE):
        drive(command, name, f"--{HOSTILE}", code=2)
        drive(command, name, "--seed", HOSTILE, HOSTILE, code=2)


def test_a_hostile_label_in_a_model_is_text(
    photos: Photos, configured: Configure, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos()
    monkeypatch.setattr("retrainer.photos.class_folders.labels_of", lambda folders: (f"a\n{HOSTILE}", "b"))
    result = retrain(configured(root))
    for graph in (result.graph, result.tflite):
        drive(command, "label", "--graph", graph, root / "red" / "000.jpg")
        drive(command, "inspect", "--graph", graph)
        drive(command, "evaluate", "--graph", graph, "--image_dir", root)
        drive(command, "evaluate", "--graph", graph, "--image_dir", root, "--json")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 \x1b[31mNo\x9b0m\x07\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 \x1b[31m 200\r\n\r\n",
        b"\x1b]0;title\x07HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\x1b[31mred\x1b]0;title\x07/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\x1b[31m\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\x1b[31m: x\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_what_a_server_says_is_text(
    answer: bytes, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answered(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(answer)

    server.answers = [answered]
    with pytest.raises(SystemExit):
        run(commands, ["fetch", server.handle, "--model_dir", str(tmp_path)], "retrainer")
    streams = capsys.readouterr()
    assert "\nError: " in streams.err
    assert_plain(streams.out + streams.err)
