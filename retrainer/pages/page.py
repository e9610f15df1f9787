"""The frame that all pages share: one HTML file that loads nothing and shows any text as text.

A page is a `Page` of `Section`s, made of `element`, `table` and the functions of `components.py`. Its policy allows its
style sheet, its scripts (files of this folder, by their hashes) and pictures inside the file, and nothing else.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from retrainer.pages.markup import Markup, element, escaped
from retrainer.pages.style import page_style

_FOLDER = Path(__file__).parent
_FRAME = "frame"
_THEMES = {"": "Auto", "light": "Light", "dark": "Dark"}
_MENU_FROM = 2


@dataclass(frozen=True)
class Section:
    """A heading of a page and what follows it.

    Attributes:
        heading: Plain text.
        content: What follows the heading, such as `element("p", "Text")`; plain text is escaped.
        anchor: Its id, for links; made of the heading if it is empty.
        short: The text of the link to it; the heading if it is empty.
    """

    heading: str
    content: Sequence[str]
    anchor: str = ""
    short: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole page.

    Attributes:
        title: Plain text for the window and the first heading.
        sections: What follows, in order.
        lead: What stands between the first heading and the sections.
        scripts: Names of `.js` files in this folder, without the ending; `frame.js` runs on every page before them.
        styles: Names of `.css` files in this folder that the page needs besides `page.css`.
        served: Whether a server gives the page, which may then ask that server, and nobody else, for data and pictures.
        language: The language of the text, for screen readers and hyphenation.
    """

    title: str
    sections: Sequence[Section]
    lead: Sequence[str] = ()
    scripts: Sequence[str] = ()
    styles: Sequence[str] = ()
    served: bool = False
    language: str = "en"

    @property
    def policy(self) -> str:
        """The content security policy, which a server also sends as a header."""
        scripts = " ".join(map(_hash, (script(each) for each in (_FRAME, *self.scripts))))
        style = _hash(page_style(*self.styles))
        own = " 'self'" if self.served else ""
        return (
            f"default-src 'none'; style-src {style}; script-src {scripts}; img-src data:{own}; "
            + ("connect-src 'self'; " if self.served else "")
            + "base-uri 'none'; form-action 'none'"
        )

    def html(self) -> str:
        """Returns the file's text, which UTF-8 can encode whatever the page shows."""
        head = (
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{escaped(self.policy)}">'),
            Markup('<meta name="referrer" content="no-referrer">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            # Without it a browser asks the server for an icon.
            Markup('<link rel="icon" href="data:,">'),
            element("title", self.title),
            element("style", Markup(page_style(*self.styles))),
            # It runs before the page is drawn, so that the page never flashes in the other theme.
            element("script", Markup(script(_FRAME))),
        )
        scripts = (element("script", Markup(script(each))) for each in self.scripts)
        body = element("body", *self._body(), *scripts)
        return f"<!doctype html>\n{element('html', element('head', *head), body, lang=self.language)}\n"

    def _body(self) -> list[Markup]:
        anchors = _anchors(self.sections)
        sections = [
            element("section", element("h2", each.heading, id=anchor), *each.content, aria_labelledby=anchor)
            for anchor, each in zip(anchors, self.sections, strict=True)
        ]
        links = [
            element("li", element("a", each.short or each.heading, href=f"#{anchor}"))
            for anchor, each in zip(anchors, self.sections, strict=True)
        ]
        menu = element("nav", element("ul", *links), aria_label="Sections") if len(links) >= _MENU_FROM else Markup()
        bar = element("div", element("span", "retrainer", class_="brand"), _theme_switch(), class_="bar-top")
        top = element("header", bar, menu, class_="top")
        title = element("h1", self.title, id="top", tabindex="-1")
        said = element("p", class_="unseen", role="status", id="said")
        skip = element("a", "Skip to the content", href="#top", class_="skip")
        return [skip, top, element("main", title, *self.lead, *sections), said]


@cache
def script(name: str) -> str:
    """The text of a `.js` file of this folder."""
    return (_FOLDER / f"{name}.js").read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _theme_switch() -> Markup:
    """The choice of a theme; it is of no use, and hidden, if no script runs."""
    buttons = [
        element("button", text, type="button", data_theme_to=theme, aria_pressed="false")
        for theme, text in _THEMES.items()
    ]
    return element("div", *buttons, class_="theme", role="group", aria_label="Theme", hidden="", data_script="")


def _anchors(sections: Sequence[Section]) -> list[str]:
    """An id for each section, made of the letters a to z and the digits of its heading."""
    found: list[str] = []
    for number, section in enumerate(sections, start=1):
        words = re.findall(r"[a-z0-9]+", section.heading[:60].lower())
        anchor = section.anchor or "-".join(words) or f"section-{number}"
        found.append(f"{anchor}-{number}" if anchor in (*found, "top", "said") else anchor)
    return found
