"""How pages and notebooks look: the style sheets of this folder."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
# `&` stands for the element that holds the components.
STYLE = (_FOLDER / "components.css").read_text("utf-8")


def style_of(selector: str) -> str:
    """The rules for components below elements of a selector, such as `.report`.

    It is repeated in them, so that the rules of a notebook for tables and pictures do not win over these.
    """
    return STYLE.replace("&", selector * 3)


@cache
def page_style(*more: str) -> str:
    """The rules of a page: those for components, those of the frame, which win, and those of `more` `.css` files."""
    files = ((_FOLDER / f"{name}.css").read_text("utf-8") for name in ("page", *more))
    return "".join((STYLE.replace("&", "main"), *files))
