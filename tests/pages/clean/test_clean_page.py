"""The page of findings as one file: small however much was found, readable without scripts, and text as text."""

import re
import time
from pathlib import Path

from pictures import noise, saved
from PIL import Image
from reviewing import CLASSES, findings_in, many_findings
from seen_html import Elements

from retrainer.pages.clean.page import clean_page
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row


def test_each_finding_is_a_card_beside_the_photos_that_it_is_compared_with(tmp_path: Path) -> None:
    findings = findings_in(tmp_path)
    rows = [Row(findings[0], Decision(action=Action.RELABEL, new_label="tulips", note="seen"))]
    rows += [Row(finding) for finding in findings[1:]]
    known = {str(tmp_path / "tulips" / "1.jpg"): ("tulips", "validation")}
    page = clean_page(CleanList(tuple(rows)), ShownPhotos(classes=CLASSES, known=known, command="retrainer clean x"))
    seen = Elements(page.html())
    assert "1 of 7 photos and classes decided" in seen.text
    assert "Wrong labels (3)" in seen.text
    assert "Relabel to tulips. Note: seen" in seen.text
    assert "This is a test photo" in seen.text
    assert "copy 2 of 2 of the same photo" in seen.text
    assert "retrainer clean x" in seen.text
    assert "No picture: expected JPEG" in seen.text
    assert sum(tag == "article" for tag, _ in seen.found) == 8
    pictures = [found["alt"] or "" for tag, found in seen.found if tag == "img"]
    assert len(pictures) == 6 + 2 + 2
    assert pictures[0].startswith("This photo: training photo of class roses, ")
    assert pictures[1].startswith("Similar: validation photo of class tulips, ")
    assert [found["data-of"] for tag, found in seen.found if tag == "article"][:2] == [
        "finding=label&class=roses&part=training&decision=relabel",
        "finding=label&class=roses&part=testing&decision=undecided",
    ]


def test_of_10000_findings_the_page_shows_the_surest_of_each_kind(tmp_path: Path) -> None:
    (tmp_path / "noise.png").write_bytes(saved(Image.fromarray(noise(300, 300)), "PNG"))
    content = (tmp_path / "noise.png").read_bytes()
    rare = Finding(kind=Kind.EMPTY, path="rare.jpg", label="roses", reason="One colour.")
    rows = tuple(Row(finding) for finding in [*many_findings(tmp_path / "photos", 10_000), rare])
    photos = ShownPhotos(classes=CLASSES, read=lambda _: content, command="retrainer clean x --interactive")
    began = time.monotonic()
    page = clean_page(CleanList(rows), photos).html()
    assert time.monotonic() - began < 20
    assert len(page.encode()) <= 4_000_000
    seen = Elements(page)
    assert len(seen.found) <= 15_000
    assert len(re.findall("<article", page)) == 200
    assert "Empty (1)" in seen.text
    assert "1,960 more findings of this kind are not on this page. List them with:" in seen.text
    assert "This picture is left out" not in seen.text
    assert page == clean_page(CleanList(rows), photos).html()


def test_nothing_found_is_a_sentence() -> None:
    assert "Nothing was found that may be wrong." in clean_page(CleanList(()), ShownPhotos(classes=[])).html()


def test_parts_have_their_order_and_a_small_class_its_own_advice() -> None:
    parts = ("testing", "validation", "training")
    findings = [Finding(kind=Kind.SHAPE, path=f"{part}.jpg", label="roses", part=part) for part in parts]
    small = Finding(kind=Kind.SMALL_CLASS, label="roses", reason="few")
    page = clean_page(CleanList(tuple(map(Row, [*findings, small]))), ShownPhotos(classes=CLASSES)).html()
    places = [page.index(f"{name} photos") for name in ("training", "validation", "test")]
    assert places == sorted(places)
    assert "testing photos" not in page
    assert "Add photos to it, or keep it as it is." in page
