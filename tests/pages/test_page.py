"""A page is one file that loads nothing, and text from anywhere is shown as text."""

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from seen_html import Elements

from retrainer.pages.markup import element, escaped, table
from retrainer.pages.page import Page, Section, script
from retrainer.system.files import write_whole

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'`\x1b[31m\x00\u202e\udcff"


def recalls(figures: Mapping[str, float]) -> Page:
    """A page from outside: all that a new kind of page has to say."""
    rows = [(label, f"{recall:.3f}") for label, recall in figures.items()]
    content = [element("p", "Recall of each class."), table("Recall", ["class", "recall"], rows)]
    return Page(title="Classes", sections=[Section("Recall", content)])


def hostile() -> Page:
    """A page of nothing but hostile text."""
    content = [element("p", HOSTILE, title=HOSTILE), table(HOSTILE, [HOSTILE], [[HOSTILE, HOSTILE]]), HOSTILE]
    return Page(title=HOSTILE, sections=[Section(HOSTILE, content)], language=HOSTILE)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_from_outside_is_a_few_lines(tmp_path: Path) -> None:
    page = recalls({"daisy": 0.75, "tulip": 1.0})
    write_whole(tmp_path / "page.html", page.html().encode("utf-8"))
    seen = Elements((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert [tag for tag, _ in seen.found if tag in ("html", "head", "body")] == ["html", "head", "body"]
    assert ("html", {"lang": "en"}) in seen.found
    assert "Classes" in seen.text
    assert "Recall of each class.Recallclassrecalldaisy0.750tulip1.000" in seen.text
    assert ("th", {"scope": "row"}) in seen.found


def test_hostile_text_is_text() -> None:
    page = hostile().html()
    seen = Elements(page)
    harmless = Elements(Page(title="a", sections=[]).html())
    assert {tag for tag, _ in seen.found} - {tag for tag, _ in harmless.found} == {
        *("section", "h2", "table", "caption", "thead", "tbody", "tr", "th", "td")
    }
    shown = HOSTILE.replace("\x1b", r"\x1b").replace("\x00", r"\x00").replace("\u202e", r"\u202e")
    shown = shown.replace("\udcff", r"\udcff")
    assert seen.text.count(shown) == 9
    assert [attributes["title"] for _, attributes in seen.found if "title" in attributes] == [shown]
    assert all(character.isprintable() or character == "\n" for character in page)
    page.encode("utf-8")


def test_markup_that_is_joined_with_text_is_escaped_again() -> None:
    assert element("p", element("b", "a")) == "<p><b>a</b></p>"
    assert element("p", element("b", "a") + "<") == "<p>&lt;b&gt;a&lt;/b&gt;&lt;</p>"
    assert escaped("\"'<>&") == "&quot;&#x27;&lt;&gt;&amp;"


@pytest.mark.parametrize("page", [recalls({"daisy": 0.75}), hostile()], ids=["plain", "hostile"])
def test_a_page_loads_and_runs_nothing(page: Page) -> None:
    seen = Elements(page.html())
    attributes = [pair for _, found in seen.found for pair in found.items()]
    assert {name for name, _ in attributes if name.startswith("on") or name in ("src", "style", "action")} == set()
    assert [value for name, value in attributes if name == "href"] == ["data:,", "#top"]
    (style,) = re.findall(r"<style>(.*?)</style>", page.html(), re.DOTALL)
    assert not re.search(r"url\(|@import|//", style)
    (policy,) = (dict(found)["content"] for _, found in seen.found if "http-equiv" in found)
    assert policy == (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script('frame'))}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_each_script_is_allowed_by_its_hash_and_a_served_page_may_ask_its_server() -> None:
    page = Page(title="a", sections=[], scripts=["filters"], served=True)
    scripts = re.findall(r"<script>(.*?)</script>", page.html(), re.DOTALL)
    assert scripts == [script("frame"), script("filters")]
    assert f"script-src {' '.join(map(hashed, scripts))}; img-src data: 'self'; connect-src 'self'; " in page.policy
    assert page.policy in html.unescape(page.html())


def test_sections_have_links_and_anchors_of_their_own() -> None:
    headings = ["The split", "The split", "\u05e9", "Top", "Said <b>"]
    page = Page(title="a", sections=[Section(heading, []) for heading in headings]).html()
    found = Elements(page).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert ids == ["top", "the-split", "the-split-2", "section-3", "top-4", "said-b", "said"]
    assert [f"#{each}" for each in ids[1:-1]] == [found["href"] for tag, found in found if tag == "a"][1:]


def test_a_page_fits_a_phone_the_dark_and_the_keyboard() -> None:
    page = recalls({"daisy": 0.75}).html()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "color-scheme: light dark" in page
    assert ":focus-visible" in page
    (region,) = (found for tag, found in Elements(page).found if "tabindex" in found and tag == "div")
    assert region == {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Recall"}
