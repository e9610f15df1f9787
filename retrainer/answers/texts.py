r"""How texts such as paths and labels stand in files of answers; see "Texts" in models/FORMATS.md.

A name may hold line ends, codes that command a terminal, marks that turn the direction of writing, or bytes that are no
UTF-8. Each of these is written as `\u` and four hexadecimal digits, or `\U` and eight, so that a row is one line and
every text is valid UTF-8. All other characters, single backslashes included, stay as they are.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

# Controls, soft hyphens, marks of direction, characters without width, line and paragraph separators, surrogates (also
# those that stand for bytes that are no UTF-8), tags, noncharacters. Emoji and some scripts need U+200C and U+200D.
_ODD = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e0fff"
)
# A backslash that a reader would take for the beginning of an escape is itself escaped.
_TO_ESCAPE = re.compile(rf"[{_ODD}]|\\(?=u[0-9a-f]{{4}}|U[0-9a-f]{{8}})")
# No character has a larger number.
_ESCAPED = re.compile(r"\\u[0-9a-f]{4}|\\U00(?:0[0-9a-f]|10)[0-9a-f]{4}")
# Spreadsheets take a cell with such a beginning for a formula. Some of them end a cell at a semicolon.
_FORMULA = re.compile(r"(?:^|(?<=;))[=+\-@]")


def stored(text: str) -> str:
    r"""A text as files of answers hold it: odd characters are escapes such as `\u000a`; `original` reads it."""
    return _TO_ESCAPE.sub(_escape, text)


def for_spreadsheet(text: str) -> str:
    r"""A stored text that no spreadsheet takes for a formula: `=`, `+`, `-` and `@` at its beginning are escapes."""
    return _FORMULA.sub(_escape, text)


def original(text: str) -> str:
    """The text that `stored`, and perhaps `for_spreadsheet`, was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[0][2:], 16)), text)


def plain(value: Any, text: Callable[[str], str] = stored) -> Any:
    """A value as documents hold it: None for numbers that JSON lacks, and `stored` texts at all levels.

    Args:
        value: A value, perhaps of values.
        text: What is done with each text instead.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {text(str(name)): plain(one, text) for name, one in value.items()}
    return [plain(one, text) for one in value] if isinstance(value, list | tuple) else value


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
