"""Results in a few lines of at most 80 columns."""

from collections.abc import Sequence

from retrainer.text import shown

_COLUMNS, _HEADING = 80, 11
_NAMED = 3


def line(text: str, heading: str = "") -> str:
    """A text on one line, with its heading; the end of a long one is left out."""
    text = f"  {heading:<{_HEADING}}{shown(text)}" if heading else f"  {shown(text)}"
    return text if len(text) <= _COLUMNS else f"{text[: _COLUMNS - 1]}…"


def of_texts(heading: str, texts: Sequence[str]) -> list[str]:
    """A line for each of the first texts, below one heading, and how many more there are; nothing without texts."""
    listed = [*texts[:_NAMED], *([f"and {len(texts) - _NAMED:,} more"] if len(texts) > _NAMED else [])]
    return [line(text, heading if not number else " ") for number, text in enumerate(listed)]
