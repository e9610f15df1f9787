"""Checks JSON documents, which may come from anywhere, against a table of their fields before they are used.

A table gives for each field the expected content in words and a function that checks it.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from retrainer.text import shown

# Our documents take kilobytes, and 4 MB if a model remembers a hundred thousand photos by their hashes.
MOST_BYTES = 2**24
OTHERS = "*"
_BRIEF = 60
_LONG = 10_000


@dataclass(frozen=True)
class Field:
    """The content that a field may have.

    Attributes:
        expected: The expected content in words.
        accepts: Whether a value is as expected.
        required: Whether the field must be present.
    """

    expected: str
    accepts: Callable[[Any], bool]
    required: bool = True


Table = Mapping[str, Field]


def read_document(content: bytes, most: int = MOST_BYTES) -> dict[str, Any]:
    """The fields of a JSON object in UTF-8; surrogates, which stand for invalid bytes of paths, are allowed.

    Raises:
        ValueError: it is no JSON object, is longer than `most` bytes, or has a field twice or a number such as NaN.
    """
    if len(content) > most:
        raise ValueError(f"expected at most {most:,} bytes, received {len(content):,}")
    try:
        document = json.loads(
            content.decode("utf-8", "surrogatepass"), object_pairs_hook=_each_once, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("expected few levels, received many") from None
    if not isinstance(document, dict):
        raise ValueError(f"expected an object, received {brief(document)}")
    return document


def require(document: Mapping[str, Any], table: Table, within: str = "") -> None:
    """Checks a document against its table.

    Args:
        document: The result of `read_document`, or a section of it.
        table: The fields; `OTHERS` stands for all that are not named.
        within: The name of the section, for the message.

    Raises:
        ValueError: a field is missing, unknown or not as expected; the text names the first one.
    """
    prefix = f"{within}." if within else ""
    for name, value in document.items():
        field = table.get(name, table.get(OTHERS) if name.isprintable() else None)
        if field is None:
            raise ValueError(f"its {brief(prefix + name)} is not as expected: no such field is known")
        if not field.accepts(value):
            raise ValueError(
                f"its {brief(prefix + name)} is not as expected: {field.expected}, received {brief(value)}"
            )
    for name, field in table.items():
        if field.required and name not in document:
            raise ValueError(f"its '{prefix}{name}' is not as expected: {field.expected}, received nothing")


def optional(field: Field) -> Field:
    """A field that may be absent."""
    return replace(field, required=False)


def or_none(field: Field) -> Field:
    """A field that may also be null."""
    return replace(
        field, expected=f"{field.expected}, or null", accepts=lambda value: value is None or field.accepts(value)
    )


def text(longest: int, *, printable: bool = True, empty: bool = False) -> Field:
    """Text of at most `longest` characters; a path may have unprintable ones."""

    def accepts(value: Any) -> bool:
        if not isinstance(value, str) or len(value) > longest or not (value or empty):
            return False
        return value.isprintable() and bool(value.strip() or empty) if printable else "\0" not in value

    return Field(f"text of at most {longest:,} {'printable ' if printable else ''}characters", accepts)


def digest() -> Field:
    """A SHA-256 in hexadecimal."""
    return Field("a SHA-256 in hexadecimal", is_digest)


def one_of(*values: Any) -> Field:
    """One of a few values; 1 is not taken for True."""
    return Field(
        f"one of {', '.join(map(str, values))}",
        lambda value: any(type(value) is type(one) and value == one for one in values),
    )


def flag() -> Field:
    """True or false."""
    return Field("true or false", lambda value: isinstance(value, bool))


def whole(least: int, most: int) -> Field:
    """A whole number within bounds."""
    return Field(
        f"a whole number from {least:,} to {most:,}",
        lambda value: type(value) is int and least <= value <= most,
    )


def number(least: float, most: float) -> Field:
    """A number within bounds."""
    return Field(f"a number from {least:g} to {most:g}", lambda value: is_number(value) and least <= value <= most)


def texts(most: int, longest: int) -> Field:
    """A list of 1 to `most` different printable texts."""
    each = text(longest)

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, list)
            and 1 <= len(value) <= most
            and all(map(each.accepts, value))
            and len(set(value)) == len(value)
        )

    return Field(f"1 to {most:,} different texts, each {each.expected}", accepts)


def mapping(names: Callable[[str], bool], values: Field, most: int) -> Field:
    """An object of at most `most` fields; `names` accepts each name, and `values` each value."""

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and len(value) <= most
            and all(map(names, value))
            and all(map(values.accepts, value.values()))
        )

    return Field(f"an object of at most {most:,} fields, each {values.expected}", accepts)


def section() -> Field:
    """An object whose fields have a table of their own."""
    return Field("an object", lambda value: isinstance(value, dict))


def plain(levels: int) -> Field:
    """Content that only people read: short texts, numbers, and lists and objects of these, at most `levels` deep."""

    def accepts(value: Any, left: int = levels) -> bool:
        if isinstance(value, dict):
            return left > 0 and all(map(str.isprintable, value)) and _all(value.values(), left)
        if isinstance(value, list):
            return left > 0 and _all(value, left)
        short = isinstance(value, str) and len(value) <= _LONG
        return short or value is None or isinstance(value, bool) or is_number(value)

    def _all(values: Iterable[Any], left: int) -> bool:
        return all(accepts(value, left - 1) for value in values)

    return Field("text, a number or nothing, or few levels of these", accepts)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_digest(value: Any) -> bool:
    """Whether a value is a SHA-256 in hexadecimal."""
    return isinstance(value, str) and is_hex(value, 64)


def is_hex(value: str, digits: int) -> bool:
    """Whether a text is `digits` hexadecimal digits in lower case."""
    return len(value) == digits and not value.strip("0123456789abcdef")


def brief(value: Any) -> str:
    """A value for a message: short, on one line and safe to print."""
    if isinstance(value, list | dict):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value):,}"
    if type(value) is int and abs(value) >= 10**_BRIEF:
        return "a number of too many digits"
    content = value if isinstance(value, str) else json.dumps(value)
    content = shown(content if len(content) <= _BRIEF else content[:_BRIEF] + "…")
    return f"'{content}'" if isinstance(value, str) else content


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"its {brief(twice)} is stated twice")
    return document


def _no_number(constant: str) -> Any:
    raise ValueError(f"expected numbers, received {constant}")
