"""Text from files, names and servers, made fit for a terminal.

Control characters move the cursor, colour or rename a terminal; marks of direction and characters without width show
a name as another. All of them are escaped: whatever `str.isprintable` says is not printable.
"""

import json
import os
import shlex
from typing import Any


def shown(path: str | os.PathLike[str]) -> str:
    """A path, a name or a sentence for one line: unprintable characters, line ends and odd bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def printable(text: str) -> str:
    """Lines for a terminal: as `shown`, but line ends stay."""
    return "\n".join(map(shown, text.split("\n")))


def pasted(path: str | os.PathLike[str]) -> str:
    """A path as bash and zsh take it when the printed command is pasted; unprintable bytes in octal."""
    text = os.fspath(path)
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(c if c.isprintable() and c not in _QUOTED else _octal(c) for c in text)}'"


def reason_of(error: Exception) -> str:
    """The first line of what an error says, or its kind if it says nothing; nothing in it is escaped."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def json_text(value: Any, **options: Any) -> str:
    """JSON as `json.dumps` writes it, with letters of all scripts, but without unprintable characters."""
    lines = json.dumps(value, ensure_ascii=False, **options).split("\n")
    return "\n".join("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line) for line in lines)


_QUOTED = "'\\"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
