"""Photos on servers: fetched by HTTP, within limits of size, time and redirections, and kept in memory only."""

from typing import TYPE_CHECKING

from retrainer.errors import PictureError
from retrainer.photos.photo import Photo
from retrainer.text import innermost_reason

if TYPE_CHECKING:
    from requests import Response

    from retrainer.system.deadline import Deadline

MAX_BYTES = 2**26
SECONDS, SILENT_SECONDS = 60.0, 10.0
MAX_REDIRECTIONS = 5
_BLOCK = 2**18
# A server that compresses could send a little that becomes much.
_HEADERS = {"Accept-Encoding": "identity"}
_FOUND = 200


def photo_at(url: str) -> Photo:
    """The photo at an address, fetched when it is read."""
    return Photo(url, lambda: fetched(url))


def fetched(url: str) -> bytes:
    """The bytes that an address gives.

    Raises:
        PictureError: the server gives no file, or too large a one, or takes too long.
    """
    import requests
    import urllib3

    from retrainer.system.deadline import Deadline

    with Deadline(SECONDS) as deadline, deadline.session() as session:
        session.max_redirects = MAX_REDIRECTIONS
        try:
            with session.get(url, headers=_HEADERS, timeout=SILENT_SECONDS, stream=True) as answer:
                return _content(answer, deadline)
        except requests.TooManyRedirects as error:
            raise _problem(f"more than {MAX_REDIRECTIONS} redirections") from error
        except requests.exceptions.InvalidSchema as error:
            raise _problem("expected an address that begins with http:// or https://") from error
        # A text that is no address is a ValueError.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.has_passed:
                raise _problem(f"it took more than {SECONDS:g} s") from error
            if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
                raise _problem(f"the server was silent for {SILENT_SECONDS:g} s") from error
            raise _problem(innermost_reason(error)) from error


def _problem(reason: str) -> PictureError:
    return PictureError(f"cannot be fetched: {reason}")


def _content(answer: "Response", deadline: "Deadline") -> bytes:
    if answer.status_code != _FOUND:
        raise _problem(f"the server answered {answer.status_code} {answer.reason}")
    if (encoding := answer.headers.get("Content-Encoding", "identity")) != "identity":
        raise _problem(f"the server compressed it by {encoding}")
    length = answer.headers.get("Content-Length", "")
    expected = int(length) if length.isdecimal() else 0
    blocks, size = list[bytes](), 0
    while max(size, expected) <= MAX_BYTES and (block := answer.raw.read1(_BLOCK, decode_content=False)):
        blocks.append(block)
        size += len(block)
    deadline.require()
    if max(size, expected) > MAX_BYTES:
        raise _problem(f"more than the limit of {MAX_BYTES:,} bytes")
    return b"".join(blocks)
