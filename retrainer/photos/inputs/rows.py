"""What lists and tables name, as photos: paths, and addresses if the user allows them."""

import os
import re
from collections.abc import Iterator

from retrainer.answers.texts import original
from retrainer.errors import OptionError
from retrainer.photos.inputs.source import FLAG, Request
from retrainer.photos.photo import Photo, unreadable
from retrainer.system.paths import is_address
from retrainer.text import shown

# A single letter is a drive of Windows.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def photo_of(text: str, request: Request, folder: str = "") -> str | Photo:
    """The photo that a text names.

    Args:
        text: A path, or an address.
        request: Says whether addresses are fetched.
        folder: What a relative path is relative to; empty for the working folder.
    """
    if is_address(text):
        if not request.allow_urls:
            return unreadable(text, "addresses in lists and tables are fetched only with --allow_urls")
        from retrainer.photos.inputs.addresses import photo_at

        return photo_at(text)
    if _SCHEME.match(text):
        return unreadable(text, "expected a path or an address that begins with http:// or https://")
    path = os.path.join(folder, text)
    if problem := _problem_of(path):
        return unreadable(text, problem)
    if "\\" in text and not os.path.lexists(path):
        # Tables of answers escape characters that are odd.
        escaped = os.path.join(folder, original(text))
        return path if _problem_of(escaped) or not os.path.lexists(escaped) else escaped
    return path


def _problem_of(path: str) -> str:
    """Why no file can have this path; empty if one can."""
    if "\0" in path:
        return "expected a path, received one with a zero byte"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "expected a path, received half of a character"
    return ""


def at_least_one(photos: Iterator[str | Photo], where: str) -> Iterator[str | Photo]:
    """Yields the photos again.

    Raises:
        OptionError: there are none.
    """
    empty = True
    for photo in photos:
        empty = False
        yield photo
    if empty:
        raise OptionError(f"{FLAG}: expected photos, found none in {shown(where)}.")
