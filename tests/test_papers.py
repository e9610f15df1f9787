"""The papers for engineers name what is there: links, paths, tests, and the rooms in their order."""

import re
from pathlib import Path

import pytest
from test_layers import ROWS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "retrainer"
HIDDEN = re.compile(r"\.(?!github$)")
PAPERS = [p for p in ROOT.rglob("*.md") if not any(map(HIDDEN.match, p.relative_to(ROOT).parts))]
HOUSE = (PACKAGE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^()\s]+)\)", without_code(paper)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = paper.parent / path if path else paper
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def without_code(paper: Path) -> str:
    return re.sub(r"^```.*?^```$", "", paper.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(paper: Path) -> list[str]:
    """The anchors that GitHub gives to the headings of a page; the second of the same name ends in -1."""
    named: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", without_code(paper), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(plain)}(-\d+)?", other) is not None for other in named)
        named.append(f"{plain}-{again}" if again else plain)
    return named


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    new = {ROOT / "README.md"}
    while new:
        reached |= new
        linked = (page.parent / path for page in new for path in re.findall(r"\]\(([\w./]+\.md)", without_code(page)))
        new = {path.resolve() for path in linked} - reached
    assert set(PAPERS) <= reached


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
