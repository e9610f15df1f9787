"""The picture on top of the README is a safe SVG of commands that were really run."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from test_readme import NUMBER, needs_the_default, without_times

from scripts import write_picture
from scripts.write_picture import COMMANDS, PICTURE, arranged, picture, section_of, session
from scripts.write_readme import README, section

SVG = "{http://www.w3.org/2000/svg}"
TEXT = README.read_text(encoding="utf-8")
SHOWN = PICTURE.read_text(encoding="utf-8")


def texts(drawing: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(drawing).iter(f"{SVG}text")]


def typed(drawing: str) -> list[str]:
    return [span.text or "" for span in ET.fromstring(drawing).iter(f"{SVG}tspan") if span.get("class") == "command"]


def test_the_picture_is_small_and_asks_for_nothing() -> None:
    elements = list(ET.fromstring(SHOWN).iter())
    assert {element.tag.removeprefix(SVG) for element in elements} == {
        *("svg", "title", "style", "rect", "circle", "text", "tspan")
    }
    names = {name for element in elements for name in element.attrib}
    assert not [name for name in names if name.startswith("on") or "href" in name or name == "src"]
    assert not re.search(r"url\(|@import|@font|https?:(?!//www\.w3\.org/2000/svg\")", SHOWN)
    assert len(SHOWN.encode()) < 30_000


def test_the_picture_shows_the_commands_of_the_readme() -> None:
    assert typed(SHOWN) == [*COMMANDS]
    assert all(command in TEXT for command in COMMANDS)
    ((words, path),) = re.findall(r"^!\[([^]]+)\]\((.+)\)$", section(TEXT, "picture"), re.MULTILINE)
    assert path == PICTURE.relative_to(README.parent).as_posix()
    # What it says in words stands in it.
    assert all(figure.strip(".") in " ".join(texts(SHOWN)) for figure in NUMBER.findall(words))


def test_whatever_a_command_prints_is_text_and_can_be_copied() -> None:
    hostile = "  <script>alert(1)</script> & \"'  ]]> x"
    drawing = picture([("retrainer label <&>", f"{hostile}\n\nnext")])
    assert texts(drawing) == ["$ retrainer label <&>", hostile, "next"]
    assert f"{SVG}script" not in {element.tag for element in ET.fromstring(drawing).iter()}
    heights = [float(text.get("y", 0)) for text in ET.fromstring(drawing).iter(f"{SVG}text")]
    assert heights[2] - heights[1] == 2 * (heights[1] - heights[0])


def test_a_session_that_prints_something_else_is_not_described() -> None:
    with pytest.raises(ValueError, match="neither an accuracy nor a label"):
        section_of([("retrainer retrain photos", "Error: no photos"), ("retrainer label a.jpg", "")])


def test_one_rose_is_kept_from_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_picture, "PER_CLASS", 3)
    for kind in ("roses", "tulips"):
        (tmp_path / "flowers" / kind).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "flowers" / kind / f"{number}.jpg").write_text(f"{kind} {number}")
    (tmp_path / "flowers" / "LICENSE.txt").touch()
    arranged(tmp_path / "flowers", tmp_path / "session")
    found = sorted(str(path.relative_to(tmp_path / "session")) for path in (tmp_path / "session").rglob("*.jpg"))
    tulips = [f"photos/tulips/{number}.jpg" for number in range(3)]
    assert found == ["new_photo.jpg", "photos/roses/0.jpg", "photos/roses/1.jpg", *tulips]
    assert (tmp_path / "session" / "new_photo.jpg").read_text() == "roses 2"


@needs_the_default
@pytest.mark.slow
def test_the_commands_print_what_the_picture_shows(shared: Path, tmp_path: Path) -> None:
    arranged(shared / "photos" / "flowers", tmp_path)
    # A fast machine does not say how long it took to prepare the backbone.
    shown, printed = (
        [without_times(line) for line in texts(drawing) if not line.startswith("Prepared")]
        for drawing in (SHOWN, picture(list(session(tmp_path))))
    )
    assert [NUMBER.sub("#", line) for line in printed] == [NUMBER.sub("#", line) for line in shown]
    for line, expected in zip(printed, shown, strict=True):
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (line, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.03), expected
