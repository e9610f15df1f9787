r"""A list of paths on standard input, or one picture.

Paths are separated by zero bytes if there is one in what comes first, as `find -print0` writes them, and otherwise by
line ends, `\n` or `\r\n`. Bytes that are no UTF-8 stay as they are.
"""

import os
import sys
from collections.abc import Callable, Iterator

from retrainer.errors import DatasetError, OptionError
from retrainer.events import Noted
from retrainer.photos.decoding.signatures import format_of
from retrainer.photos.inputs.rows import at_least_one, photo_of
from retrainer.photos.inputs.source import FLAG, Request, Source
from retrainer.photos.photo import Photo, unreadable
from retrainer.photos.reading import MAX_BYTES

_STDIN = 0
_BLOCK = 2**16
# Systems allow paths of 4,096 bytes, and Windows of 32,767 letters.
_LONGEST = 2**17
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")

Read = Callable[[int], bytes]
"""Returns at most as many bytes as it is told, as soon as there are some; none at the end."""


def listed_on_stdin(request: Request) -> Source:
    """The photos whose paths come on standard input, each as soon as its line is there.

    Raises:
        OptionError: standard input is closed.
    """
    # If it is closed, its number may be that of another file.
    if sys.stdin is None:
        raise OptionError(f"{FLAG} -: expected a list of paths, but standard input is closed.")
    if os.isatty(_STDIN):
        request.observer(Noted("Reading paths from the terminal, one a line; Ctrl-D ends them"))
    photos = photos_from(lambda size: os.read(_STDIN, size), request)
    return Source(at_least_one(photos, "the list on standard input"))


def photos_from(read: Read, request: Request) -> Iterator[str | Photo]:
    """The photos of a list, or the one picture that comes instead of a list.

    Raises:
        DatasetError: what comes is neither.
    """
    beginning = read(_BLOCK)
    if _is_picture(beginning):
        yield _picture(beginning, read)
        return
    if beginning.startswith(_UTF16_MARKS):
        raise DatasetError(
            "Standard input: expected paths in UTF-8, received UTF-16.",
            "In PowerShell, set $OutputEncoding to UTF-8, or save the paths in a table: photos.csv.",
        )
    for record in _records(beginning.removeprefix(_UTF8_MARK), read):
        yield photo_of(os.fsdecode(record), request)


def _is_picture(beginning: bytes) -> bool:
    kind = format_of(beginning)
    # A list may begin with the letters that these formats begin with.
    return b"\0\0" in beginning[:32] if kind in ("GIF", "BMP") else bool(kind)


def _picture(beginning: bytes, read: Read) -> Photo:
    blocks, size = [beginning], len(beginning)
    while block := read(_BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            return unreadable("-", f"more than the limit of {MAX_BYTES:,} bytes")
        blocks.append(block)
    content = b"".join(blocks)
    return Photo("-", lambda: content)


def _records(beginning: bytes, read: Read) -> Iterator[bytes]:
    """The paths in a stream; blank lines are left out."""
    separator, rest, block = b"", b"", beginning
    while block:
        rest += block
        separator = separator or next((mark for mark in (b"\0", b"\n") if mark in rest), b"")
        if separator:
            *records, rest = rest.split(separator)
            yield from _without_blanks(records, separator)
        if len(rest) > _LONGEST:
            raise DatasetError(
                f"Standard input: expected a list of paths, received one of more than {_LONGEST:,} bytes."
            )
        block = read(_BLOCK)
    yield from _without_blanks([rest], separator)


def _without_blanks(records: list[bytes], separator: bytes) -> Iterator[bytes]:
    for record in records:
        path = record if separator == b"\0" else record.removesuffix(b"\r")
        if path.strip(b" \t"):
            yield path
