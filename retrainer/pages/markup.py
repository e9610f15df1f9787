"""HTML that shows any text as text: `element` and `table` escape all text that is no `Markup`."""

import html
from collections.abc import Iterable, Sequence

from retrainer.text import printable

_WITHOUT_END = ("img", "input")


class Markup(str):
    """HTML whose text is escaped already. Joined with a plain `str` it is plain text again, and is escaped."""

    __slots__ = ()


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
