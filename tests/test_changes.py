"""A second run says what has changed among the photos."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Configure, Photos, jpeg

import retrainer.measuring.remembered_split
from retrainer import retrain
from retrainer.events import Event, Noted
from retrainer.options.retraining import RetrainOptions

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30)}
Said = Callable[..., list[str]]


@pytest.fixture
def said() -> Said:
    """Retrains; returns what the run says about the last model."""

    def run(options: RetrainOptions) -> list[str]:
        events: list[Event] = []
        retrain(options, on_progress=events.append)
        messages = [event.message for event in events if isinstance(event, Noted)]
        return [message for message in messages if message.startswith("Since the last model: ")]

    return run


def more(root: Path, folder: str, count: int) -> None:
    """Adds photos between red and blue."""
    (root / folder).mkdir(exist_ok=True)
    for number in range(count):
        (root / folder / f"more{number:03d}.jpg").write_bytes(jpeg((90, 30, 40 + 2 * number)))


def test_new_photos_and_a_new_class_are_counted(photos: Photos, configured: Configure, said: Said) -> None:
    root = photos(COLOURS, count=30)
    options = configured(root, copies="apart")
    assert said(options) == []
    assert said(options) == []
    more(root, "orchid", 16)
    assert said(options) == [
        "Since the last model: 16 of 76 photos new, class 'orchid' new; test photos stay where they were"
    ]
    assert said(options) == []
    for path in (root / "red").glob("00*.jpg"):
        path.unlink()
    assert said(options)[0].startswith("Since the last model: 10 of 76 photos gone")


def test_classes_that_are_gone_or_renamed_are_named(photos: Photos, configured: Configure, said: Said) -> None:
    root = photos({f"class {number}": (20 * number, 100, 200 - 20 * number) for number in range(8)}, count=8)
    options = configured(root, copies="apart")
    said(options)
    for number in range(7):
        (root / f"class {number}").rename(root / f"kind {number}")
    (message,) = said(options)
    assert "classes 'kind 0', 'kind 1', 'kind 2', 'kind 3', 'kind 4' and 2 more new" in message
    assert "classes 'class 0', 'class 1', 'class 2', 'class 3', 'class 4' and 2 more gone" in message
    assert message.endswith("; test photos stay where they were")
    assert "photos new" not in message


def test_another_split_is_said(photos: Photos, configured: Configure, said: Said) -> None:
    options = configured(photos(COLOURS, count=40))
    said(options)
    (message,) = said(configured(Path(options.image_dir), seed=5))
    assert message.startswith("Since the last model: ")
    assert message.endswith(" earlier test photos are now in another part")


def test_of_a_sample_numbers_are_estimates(
    photos: Photos, configured: Configure, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrainer.measuring.remembered_split, "_KEPT", 30)
    root = photos(COLOURS, count=40)
    options = configured(root, copies="apart")
    said(options)
    more(root, "red", 40)
    (message,) = said(options)
    about, number, *rest = message.removeprefix("Since the last model: ").split()
    assert (about, rest[:3]) == ("about", ["of", "120", "photos"])
    assert 20 < int(number) < 60
    for path in list((root / "red").glob("0*.jpg"))[:30]:
        path.unlink()
    (message,) = said(options)
    assert "about " in message
    assert " of 120 photos gone" in message
    (message,) = said(configured(root, copies="apart", seed=7))
    assert re.search(r"about \d+ % of earlier test photos are now in another part", message)


def test_models_that_remember_nothing_and_other_files_are_passed_over(
    photos: Photos, configured: Configure, said: Said, tmp_path: Path
) -> None:
    options = configured(photos())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "graph.pb").write_bytes(b"no model")
    assert said(options) == []


def test_of_a_model_of_an_earlier_version_only_classes_are_compared(
    photos: Photos, configured: Configure, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos(COLOURS, count=20)
    options = configured(root, copies="apart")
    split = retrainer.measuring.remembered_split.RememberedSplit
    to_metadata = split.to_metadata
    monkeypatch.setattr(split, "to_metadata", lambda self: {**to_metadata(self), "validated": None, "tested": None})
    said(options)
    more(root, "orchid", 12)
    assert said(options) == ["Since the last model: class 'orchid' new"]
