"""How much work a photo is: counts, which do not depend on the machine as seconds do."""

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import Configure, Photos

from retrainer.engines import photo_worker
from retrainer.labeler import Labeler
from retrainer.options.model import LabelOptions
from retrainer.retraining import retrain

_opened: Counter[str] | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened[str(arguments[0])] += 1


# It stays as long as the process does, and counts only while a test asks for it.
sys.addaudithook(_hook)


class Work:
    """What was done since it was asked last."""

    def __init__(self) -> None:
        self.invocations = self.hashes = 0

    def per_photo(self, photos: list[Path]) -> tuple[set[int], float, float]:
        """How often each of the photos was opened, and runs of a network and hashes of contents per photo."""
        assert _opened is not None
        opened = {_opened[str(photo)] for photo in photos}
        counts = opened, self.invocations / len(photos), self.hashes / len(photos)
        _opened.clear()
        self.invocations = self.hashes = 0
        return counts


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    global _opened  # noqa: PLW0603
    counts = Work()
    invoke: Callable[[Interpreter], None] = Interpreter.invoke

    def counted_invoke(interpreter: Interpreter) -> None:
        counts.invocations += 1
        invoke(interpreter)

    def counted_hash(content: bytes) -> object:
        counts.hashes += 1
        return hashlib.sha256(content)

    monkeypatch.setattr(Interpreter, "invoke", counted_invoke)
    monkeypatch.setattr(photo_worker, "hashlib", SimpleNamespace(sha256=counted_hash))
    _opened = Counter()
    yield counts
    _opened = None


def test_a_photo_is_opened_hashed_and_run_once_and_then_no_more(
    photos: Photos, configured: Configure, work: Work
) -> None:
    root = photos()
    paths = sorted(root.glob("*/*"))
    options = configured(root)
    work.per_photo(paths)
    retrain(options)
    assert work.per_photo(paths) == ({1}, 1.0, 1.0)
    retrain(options)
    assert work.per_photo(paths) == ({0}, 0.0, 0.0)
    for path in paths:
        path.rename(path.with_name("moved-" + path.name))
    moved = sorted(root.glob("*/*"))
    retrain(options)
    assert work.per_photo(moved) == ({1}, 0.0, 1.0)


def test_a_label_opens_a_photo_once_and_runs_once(photos: Photos, configured: Configure, work: Work) -> None:
    root = photos(count=30)
    paths = sorted(root.glob("*/*"))
    result = retrain(configured(root))
    work.per_photo(paths)
    assert len(list(Labeler(LabelOptions(graph=result.graph)).many([str(path) for path in paths]))) == len(paths)
    assert work.per_photo(paths) == ({1}, 1.0, 0.0)


def test_views_of_a_photo_are_read_together(photos: Photos, configured: Configure, work: Work) -> None:
    root = photos()
    paths = sorted(root.glob("*/*"))
    retrain(configured(root))
    work.per_photo(paths)
    retrain(configured(root, random_crop=10, distortion_views=3, testing_percentage=0, validation_percentage=0))
    assert work.per_photo(paths) == ({1}, 4.0, 1.0)
