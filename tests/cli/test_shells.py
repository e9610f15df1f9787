"""Completion, asked for as shells do, and in the shells themselves."""

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Command, wait_until

from retrainer.cli.commands import COMMANDS, command_named
from retrainer.cli.shells import words_of

Proposed = Callable[..., list[str]]


@pytest.fixture
def proposed(tmp_path: Path) -> Proposed:
    """What the program answers a shell; the line is what stands before the cursor."""

    def ask(line: str, shell: str = "zsh", **environment: str) -> list[str]:
        variables = {**os.environ, "COMP_WORDS": line, "_RETRAINER_COMPLETE": f"{shell}_complete", **environment}
        program = [sys.executable, "-c", "from retrainer.cli.main import main; main()"]
        done = subprocess.run(program, env=variables, capture_output=True, text=True, cwd=tmp_path, check=True)
        assert done.stderr == ""
        return [line.removeprefix("plain ").partition(" ")[0] for line in done.stdout.splitlines() if line]

    return ask


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("retrainer lab", ["retrainer", "lab"]),
        ("retrainer label ", ["retrainer", "label", ""]),
        (r"retrainer label a\ ", ["retrainer", "label", "a "]),
        ("retrainer label 'a b", ["retrainer", "label", "a b"]),
        ('retrainer label "a b" "c', ["retrainer", "label", "a b", "c"]),
        ("retrainer label 'a\nb' #", ["retrainer", "label", "a\nb", "#"]),
        ("retrainer label a.", ["retrainer", "label", "a."]),
        ("retrainer label \\", ["retrainer", "label", ""]),
    ],
)
def test_the_words_before_the_cursor(line: str, words: list[str]) -> None:
    assert words_of(line) == words


def test_commands_flags_and_values_are_proposed(proposed: Proposed, model_dir: Path) -> None:
    assert proposed("retrainer ") == list(COMMANDS)
    flags = proposed("retrainer retrain --")
    options = [one.name for one in command_named("retrain").params if one.name != "subject"]
    assert flags == [*(f"--{name}" for name in options), "--help"]
    assert proposed("retrainer retrain --test-") == ["--test-batch-size"]
    assert proposed("retrainer retrain --strict --str") == []
    assert proposed("retrainer retrain --preset ") == ["fast", "good", "best"]
    assert proposed("retrainer retrain --preset=b") == ["best"]
    names = proposed(f"retrainer retrain --model_dir {model_dir} --architecture ")
    assert {"efficientnet_lite0@288", "pocket", "colours", "mobilenet_1.0_224"} <= set(names)
    assert len(names) == len(set(names))
    assert proposed("retrainer retrain --compare pocket,mobilenet_1.0_22") == ["pocket,mobilenet_1.0_224"]
    assert proposed("retrainer fetch pocket efficientnet_lite0@") == ["efficientnet_lite0@288"]
    assert proposed("retrainer completion ") == ["bash", "zsh", "fish"]
    assert proposed("retrainer cache ") == ["prune"]
    assert proposed("retrainer retrain --seed ") == []


def test_bash_gets_what_follows_the_last_break(proposed: Proposed) -> None:
    for line, end, rest in (
        ("--preset=b", "b", "best"),
        ("--preset=g", "", "ood"),
        ("--architecture efficientnet_lite0@2", "@2", "@288"),
        ("--architecture=efficientnet_lite0@", "@", "@288"),
        ("--architecture=efficientnet_lite0@", "=efficientnet_lite0@", "=efficientnet_lite0@288"),
        ("--preset b", "b", "best"),
        ("--prob", "--prob", "--problems"),
        ("--preset 'b", "'b", "best"),
    ):
        assert proposed(f"retrainer retrain {line}", "bash", COMP_CWORD=end) == [rest], line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_usual_line_of_click_gives_the_same_script(shell: str, command: Command) -> None:
    printed = command("completion", shell)
    usual = command(env={**os.environ, "_RETRAINER_COMPLETE": f"{shell}_source"})
    assert usual.stdout == printed.stdout
    assert (usual.returncode, usual.stderr) == (printed.returncode, printed.stderr) == (0, "")
    assert f"retrainer completion {shell}" in "".join(printed.stdout.splitlines(keepends=True)[:3])


def test_paths_are_left_to_the_shell(proposed: Proposed) -> None:
    for line in ("label ", "label a ", "label --image ", "retrain ", "retrain --image_dir=", "inspect ", "evaluate "):
        assert proposed(f"retrainer {line}") == ["file"], line
    for line in ("sample ", "retrain --bottleneck-dir "):
        assert proposed(f"retrainer {line}") == ["dir"], line
    assert proposed("retrainer retrain --architecture ./") == ["file"]


def test_a_bundle_with_a_hostile_name_is_not_proposed(proposed: Proposed, model_dir: Path) -> None:
    shutil.copytree(model_dir / "colours", model_dir / "colours $(touch owned)")
    assert proposed(f"retrainer retrain --model_dir {model_dir} --architecture col") == ["colours"]


def test_completion_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom retrainer.cli.main import main\ntry: main()\n"
        "finally: print(*{'numpy', 'PIL', 'pyarrow', 'rich', 'tensorflow'} & set(sys.modules), file=sys.stderr)"
    )
    for line in ("retrainer ", "retrainer retrain --", "retrainer retrain --architecture "):
        environment = {**os.environ, "COMP_WORDS": line, "_RETRAINER_COMPLETE": "bash_complete"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == "\n"


ARGS = """#!{python}
import json, os, sys
with open("{file}.part", "w") as out: json.dump([os.fsencode(one).hex() for one in sys.argv[1:]], out)
os.rename("{file}.part", "{file}")
"""
PROGRAM = "#!{python}\nfrom retrainer.cli.main import main\nmain()\n"
SHELLS = {
    "bash": (["bash", "--norc", "-i"], ['eval "$(retrainer completion bash)"']),
    "zsh": (["zsh", "-f", "-i"], ["autoload -Uz compinit; compinit -u -D", 'eval "$(retrainer completion zsh)"']),
    "fish": (["fish", "--no-config", "-i"], ["retrainer completion fish | source"]),
}


class Typist:
    """A person who types in a shell."""

    def __init__(self, shell: str, folder: Path) -> None:
        line, start = SHELLS[shell]
        self.shell = shell
        self._args = folder / "args.json"
        (folder / "bin").mkdir()
        for name, text in (("retrainer", PROGRAM), ("args", ARGS)):
            (folder / "bin" / name).write_text(text.format(python=sys.executable, file=self._args))
            (folder / "bin" / name).chmod(0o755)
        (folder / "work").mkdir()
        environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": str(folder),
            "RETRAINER_HOME": str(folder / "home"),
        }
        self._hand, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (40, 200))
        self.process = subprocess.Popen(
            line,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder / "work",
            env=environment,
            preexec_fn=lambda: _own(terminal),  # noqa: PLW1509
            start_new_session=True,
        )
        os.close(terminal)
        os.set_blocking(self._hand, False)
        for one in start:
            self._press(f"{one}\r".encode())
        self.typed(b"")

    def _press(self, keys: bytes) -> None:
        os.write(self._hand, keys)

    def screen(self) -> bytes:
        """What was printed since."""
        seen = b""
        while True:
            try:
                seen += os.read(self._hand, 65536)
            except (BlockingIOError, OSError):
                return seen

    def typed(self, keys: bytes) -> list[bytes]:
        """The words of the line after keys, of which one may be Tab."""
        self._args.unlink(missing_ok=True)
        self._press(b"retrainer " + keys)
        seen = b""

        def there() -> bool:
            nonlocal seen
            seen += self.screen()
            return self._args.exists()

        self._press(b"\x01args \r")
        try:
            wait_until(there)
        except AssertionError:
            pytest.fail(seen.decode(errors="replace"))
        return [bytes.fromhex(word) for word in json.loads(self._args.read_text())][1:]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._hand)


def _own(terminal: int) -> None:
    import fcntl

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@pytest.fixture(params=SHELLS)
def typist(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Typist]:
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    one = Typist(request.param, tmp_path)
    yield one
    one.close()


HOSTILE = [
    b"a b.jpg",
    b"q'\"$HOME`touch owned`;&|(b)[c]{d}*?!#.jpg",
    b"e=cmd(),1.jpg",
    b"i\x1b[31m.jpg",
    b"l\ttab\\.jpg",  # fish does not complete a tab
    b"r\nline.jpg",
    "m\u202e\u00fc.jpg".encode(),
    b"w\xff.jpg",
    b"z" * 251 + b".jpg",
]


@pytest.mark.slow
def test_shells_complete(typist: Typist, tmp_path: Path) -> None:
    for name in HOSTILE:
        (tmp_path / "work" / os.fsdecode(name)).write_bytes(b"")
    (tmp_path / "work" / "folder").mkdir()
    wrong = []
    for keys, words in [
        (b"eval\t", [b"evaluate"]),
        (b"retrain --prob\t", [b"retrain", b"--problems"]),
        (b"retrain --final-t\t", [b"retrain", b"--final-tensor-name"]),
        (b"retrain --preset b\t", [b"retrain", b"--preset", b"best"]),
        (b"retrain --preset=b\t", [b"retrain", b"--preset=best"]),
        (b"retrain --runtime=ten\t -q", [b"retrain", b"--runtime=tensorflow", b"-q"]),
        (b"retrain --architecture efficientnet_lite0@\t", [b"retrain", b"--architecture", b"efficientnet_lite0@288"]),
        (b"retrain --architecture=efficientnet_lite0@\t", [b"retrain", b"--architecture=efficientnet_lite0@288"]),
        (b"retrain --compare pocket,mobilenet_1.0_22\t", [b"retrain", b"--compare", b"pocket,mobilenet_1.0_224"]),
        (b"retrain --bottleneck_dir fol\t", [b"retrain", b"--bottleneck_dir", b"folder"]),
        (b"retrain --bottleneck_dir=fol\t", [b"retrain", b"--bottleneck_dir=folder"]),
        (b"label --image='a \t", [b"label", b"--image=a b.jpg"]),
        *((b"label " + name[:1] + b"\t", [b"label", name]) for name in HOSTILE),
        *((b"label --image " + name[:1] + b"\t", [b"label", b"--image", name]) for name in HOSTILE),
    ]:
        typed = [word.rstrip(b"/") for word in typist.typed(keys)]
        if typed != words and not (typist.shell == "fish" and b"\t" in words[-1]):
            wrong.append((keys, typed))
    assert not wrong
    assert not (tmp_path / "work" / "owned").exists()
