"""Makes text from files, names and servers safe to print in a terminal.

Control characters can move the cursor, or colour and rename a terminal. Direction marks and characters without width
can make one name look like another. Every character for which `str.isprintable` is False is escaped.
"""

import os
import shlex
import sys
from collections.abc import Sequence

_LONGEST, _LONGEST_NAME, _PATHS_NAMED = 200, 60, 3


def shown(path: str | os.PathLike[str]) -> str:
    """A path, a name or a sentence on one line; unprintable characters, line ends and invalid bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def printable(text: str) -> str:
    """Several lines, escaped as by `shown`; line ends stay."""
    return "\n".join(map(shown, text.split("\n")))


def pasted(path: str | os.PathLike[str]) -> str:
    """A path quoted for the user's shell, so that a printed command can be pasted.

    That is cmd or PowerShell on Windows, otherwise bash or zsh, where unprintable bytes are written in octal.
    """
    text = os.fspath(path)
    if sys.platform == "win32":
        return shown(f'"{text}"' if any(map(str.isspace, text)) else text)
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(c if c.isprintable() and c not in _QUOTED else _octal(c) for c in text)}'"


def brief(value: object) -> str:
    """A value as it is written in Python, on one line; of a long one the beginning."""
    text = repr(value)
    return shown(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def counted(count: int, noun: str) -> str:
    """A count with its noun, such as `1 photo` or `2 classes`."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{plural * (count != 1)}"


def named(texts: Sequence[str], most: int) -> str:
    """The first of some names in quotes, each on one line, with the beginning of long ones, and how many more."""
    cut = [text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…" for text in texts[:most]]
    return _quoted(cut, len(texts))


def first_paths(paths: Sequence[str]) -> str:
    """The first three of some paths in quotes, each whole and on one line, and how many more."""
    return _quoted(paths[:_PATHS_NAMED], len(paths))


def _quoted(texts: Sequence[str], total: int) -> str:
    more = f" and {total - len(texts):,} more" if total > len(texts) else ""
    return ", ".join(f"'{shown(text)}'" for text in texts) + more


def reason_of(error: Exception) -> str:
    """The first line of an error's text, or the error's type if it has no text; nothing is escaped."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def innermost_reason(error: BaseException) -> str:
    """The type and text of the first of the errors that led to one, as a failed connection has several; on one line."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {shown(str(error))}"


def in_columns(text: str, columns: int, indent: str = "") -> list[str]:
    """The lines of a text that is wrapped between words, after `shown`.

    No line ends between a number and its percent sign, and no word is broken: a word may be longer than a line.

    Args:
        text: A text of at least one word.
        columns: The length of a line.
        indent: What all lines but the first begin with. The first begins with the spaces of the text.
    """
    from textwrap import wrap

    joined = shown(text).replace(" %", _PERCENT)
    words = joined.lstrip(" ")
    first = joined[: len(joined) - len(words)]
    lines = wrap(
        words,
        columns,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_PERCENT, " %") for line in lines] or [""]


# Stands for " %" while lines are broken. It is no space, and has the same length.
_PERCENT = "\0%"
_QUOTED = "'\\"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
