"""What a browser would see of HTML, for tests of pages and notebooks."""

from html.parser import HTMLParser


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
        # Within <style> the parser takes everything for text, as a browser does.
        if self.cdata_elem == "style":
            self.style += data
        else:
            self.text += data
