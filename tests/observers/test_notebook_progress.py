"""Progress in a notebook: HTML that is replaced, without widgets; elsewhere lines or a bar."""

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from seen_html import Elements

import retrainer
from retrainer.events import ExtractionAdvanced, FilesFound, RunFinished, StageBegan, StageEnded, Warned
from retrainer.observers.notebook import NotebookProgress


class Notebook:
    """Stands in for IPython: keeps what a cell shows."""

    def __init__(self) -> None:
        self.outputs: list[Mapping[str, str]] = []
        self.updates = 0
        self.called: dict[str, Any] = {}
        self.shell = SimpleNamespace(kernel=object(), events=self)

    def display(self, content: Mapping[str, str], *, raw: bool, display_id: bool) -> "Notebook":
        assert raw
        assert display_id
        self.outputs.append(content)
        return self

    def update(self, content: Mapping[str, str], *, raw: bool) -> None:
        assert raw
        self.updates += 1
        self.outputs[-1] = content

    def register(self, event: str, callback: Any) -> None:
        self.called[event] = callback

    def unregister(self, event: str, callback: Any) -> None:
        assert self.called.pop(event) == callback

    def end_cell(self, *, success: bool = True) -> None:
        self.called["post_run_cell"](SimpleNamespace(success=success))

    @property
    def text(self) -> str:
        return self.outputs[-1]["text/plain"]

    @property
    def html(self) -> Elements:
        return Elements(self.outputs[-1]["text/html"])


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    found, package, display = Notebook(), ModuleType("IPython"), ModuleType("IPython.display")
    package.get_ipython = lambda: found.shell  # type: ignore[attr-defined]
    display.display = found.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return found


def ticks() -> Iterator[float]:
    """A clock that goes on by a twentieth of a second whenever it is read."""
    return iter(number / 20 for number in range(10**6))


def test_a_notebook_shows_a_bar_and_then_a_line_for_each_stage(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    observer = retrainer.progress_bar()
    observer(StageBegan("scan"))
    observer(FilesFound(300, 5))
    observer(StageEnded("scan", 0.5))
    observer(StageBegan("bottlenecks"))
    assert notebook.text == "Found 300 files in 5 classes in 0.5 s"
    observer(ExtractionAdvanced(30, 300))
    assert notebook.text.endswith("\nReading photos: 30 of 300 (10 %)")
    assert ("progress", {"max": "1", "aria-label": "Progress", "value": "0.100"}) in notebook.html.found
    observer(ExtractionAdvanced(300, 300))
    observer(Warned("Photos of <b>'a'</b>\x1b[31m are few."))
    notebook.end_cell()
    assert notebook.text == "Found 300 files in 5 classes in 0.5 s\nWarning: Photos of <b>'a'</b>\\x1b[31m are few."
    assert {tag for tag, _ in notebook.html.found} == {"div"}
    assert len(notebook.outputs) == 1
    assert notebook.called == {}
    assert capsys.readouterr() == ("", "")


def test_a_run_that_fails_leaves_what_was_said_without_the_bar(notebook: Notebook) -> None:
    observer = retrainer.progress_bar()
    observer(StageBegan("scan"))
    observer(FilesFound(300, 5))
    observer(ExtractionAdvanced(30, 300))
    observer(Warned("One class is small."))
    notebook.end_cell(success=False)
    assert notebook.text == "Warning: One class is small."
    assert {tag for tag, _ in notebook.html.found} == {"div"}


def test_ten_thousand_steps_are_few_messages(notebook: Notebook) -> None:
    clock = ticks()
    progress = NotebookProgress(lambda: next(clock))
    for done in range(1, 10_001):
        progress.show("Reading photos", done, 10_000)
    assert 4_000 < notebook.updates < 5_100
    for number in range(1_000):
        progress.say(f"line {number}")
    assert notebook.text.startswith("line 900\n")


def test_what_has_no_known_end_is_a_bar_without_value(notebook: Notebook) -> None:
    progress = NotebookProgress()
    progress.show("Downloading", 3_000_000, 0, in_bytes=True)
    assert notebook.text == "Downloading: 3.0 MB"
    assert ("progress", {"max": "1", "aria-label": "Progress"}) in notebook.html.found
    progress.close()
    assert notebook.text == ""


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["no shell", "a terminal's shell"])
def test_elsewhere_lines_go_to_stderr(shell: object, notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.shell = shell  # type: ignore[assignment]
    observer = retrainer.progress_bar()
    observer(FilesFound(300, 5))
    observer(finished())
    assert capsys.readouterr() == ("", "Found 300 files in 5 classes\n")
    assert notebook.outputs == []


def finished() -> RunFinished:
    return RunFinished("photos", 300, 5, "pocket", "lbfgs", None, None, 0, "", "", "", 1.0)
