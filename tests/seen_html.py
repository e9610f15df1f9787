"""What a browser would see of HTML, for tests of pages and notebooks."""

import re
from html.parser import HTMLParser

MOST = 200_000
# Elements and attributes of the components, and nothing else.
TAGS = (
    "div style p table caption thead tbody tr th td bdi dl dt dd figure figcaption details summary img b svg title "
    "line text polyline circle rect span pre"
)
ATTRIBUTES = (
    "class scope role tabindex aria-label aria-hidden title src alt viewbox preserveaspectratio width height "
    "x y x1 x2 y1 y2 dy cx cy r points text-anchor"
)


class Elements(HTMLParser):
    """Collects what a browser would see: each element with its attributes, the text, and the style sheet."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = self.style = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        # Within <style> and <script> the parser takes everything for text, as a browser does.
        if self.cdata_elem == "style":
            self.style += data
        elif self.cdata_elem != "script":
            self.text += data


def require_harmless(html: str) -> Elements:
    """Returns what is seen of a piece for a notebook; fails if it could run, load or break anything."""
    seen = Elements(html)
    assert {tag for tag, _ in seen.found} <= set(TAGS.split())
    attributes = [pair for _, found in seen.found for pair in found.items()]
    assert {name for name, _ in attributes} <= set(ATTRIBUTES.split())
    allowed = {"src": r"data:image/jpeg;base64,[\w+/=]+", "class": r"[\w -]+"}
    assert all(re.fullmatch(allowed[name], value or "") for name, value in attributes if name in allowed)
    assert all(character.isprintable() or character == "\n" for character in html)
    assert not re.search(r"url\(|@import|//", seen.style)
    assert "<script" not in html
    assert html.count("<div") == html.count("</div>")
    html.encode("utf-8")
    assert len(html.encode()) <= MOST
    return seen
