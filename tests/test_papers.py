"""The papers for engineers name what is there: links, paths, tests, and the rooms in their order."""

import re
from pathlib import Path

import pytest
from test_layers import ROWS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "retrainer"
PAPERS = [path for path in ROOT.rglob("*.md") if not {".venv", "pocket"} & set(path.relative_to(ROOT).parts)]
HOUSE = (PACKAGE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", paper.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (paper.parent / target).exists(), target


def test_the_rooms_are_drawn_in_their_order() -> None:
    drawing = HOUSE.split("## The rooms")[1].split("```")[1].strip("\n")
    drawn = [re.split(r"\s{3,}", line)[0].replace("/", "").split() for line in drawing.splitlines()]
    assert [sorted(row) for row in drawn] == [sorted(row) for row in ROWS]


def test_paths_and_tests_of_the_house_exist() -> None:
    named = re.findall(r"`([\w/]+\.(?:py|csv))(?:::(\w+))?`", HOUSE)
    assert len(named) > 30
    for path, test in named:
        found = (ROOT if path.startswith("tests/") else PACKAGE) / path
        assert found.is_file(), path
        assert not test or f"def {test}(" in found.read_text(encoding="utf-8"), test


def test_names_of_the_house_exist() -> None:
    for name, path in re.findall(r"`(\w+)` (?:in|of) `([\w/]+\.py)`", HOUSE):
        assert re.search(rf"\b{name}\b", (PACKAGE / path).read_text(encoding="utf-8")), (name, path)
