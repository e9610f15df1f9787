"""The frame that all pages share: one HTML file that loads nothing, runs nothing and shows any text as text.

A page is a `Page` of `Section`s. `element` and `table` make their content, and escape all text that is no `Markup`.
`Page.html()` gives the file. The policy in its head allows the one style sheet below and pictures inside the file.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrainer.text import printable

# Colours are the browser's own for light and dark, so that each has the contrast that its user chose.
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { background: Canvas; color: CanvasText; margin: 0 auto; max-width: 80ch; padding: 1rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.25; }
h2 { margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { padding: 0.25rem 0; text-align: start; }
[scope="row"] { font-weight: normal; }
th, td { border-bottom: 1px solid GrayText; padding: 0.25rem 1rem 0.25rem 0; text-align: start; vertical-align: top; }
:focus-visible { outline: 3px solid LinkText; outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_WITHOUT_END = ("img",)
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"


class Markup(str):
    """HTML whose text is escaped already. Joined with a plain `str` it is plain text again, and is escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A heading of a page and what follows it.

    Attributes:
        heading: Plain text.
        content: What follows the heading, such as `element("p", "Text")`; plain text is escaped.
    """

    heading: str
    content: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole page.

    Attributes:
        title: Plain text for the window and the first heading.
        sections: What follows, in order.
        language: The language of the text, for screen readers and hyphenation.
    """

    title: str
    sections: Sequence[Section]
    language: str = "en"

    def html(self) -> str:
        """Returns the file's text, which UTF-8 can encode whatever the page shows."""
        sections = [element("section", element("h2", each.heading), *each.content) for each in self.sections]
        head = (
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{escaped(_POLICY)}">'),
            Markup('<meta name="referrer" content="no-referrer">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            # Without it a browser asks the server for an icon.
            Markup('<link rel="icon" href="data:,">'),
            element("title", self.title),
            element("style", Markup(_STYLE)),
        )
        body = element("main", element("h1", self.title), *sections)
        document = element("html", element("head", *head), element("body", body), lang=self.language)
        return f"<!doctype html>\n{document}\n"


def escaped(text: str) -> Markup:
    """Returns HTML that shows `text` letter for letter; unprintable characters are shown as escapes."""
    return Markup(html.escape(printable(text)))


def element(tag: str, *content: str, **attributes: str) -> Markup:
    """Returns an element. Text in it and in its attributes is escaped unless it is `Markup`.

    Args:
        tag: The element's name.
        content: Markup or plain text.
        attributes: Their names as in HTML, with `_` in place of `-`; a `_` at the end is dropped, as in `class_`.
    """
    named = [f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"' for name, value in attributes.items()]
    inner = "".join(piece if isinstance(piece, Markup) else escaped(piece) for piece in content)
    end = "" if tag in _WITHOUT_END else f"</{tag}>"
    return Markup(f"<{tag}{''.join(named)}>{inner}{end}")


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Returns a table that scrolls sideways on a narrow screen. The first cell of a row names the row."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    content = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    # What scrolls can be reached and named by the keyboard, too.
    return element("div", content, class_="scroll", role="region", tabindex="0", aria_label=caption)
