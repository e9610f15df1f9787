"""One file from the network: resumed after a break, retried, and limited in size and time.

`requests` sends the requests. The rest is our own, because the other tools start again from the first byte after a
break and limit neither size nor speed: tensorflow_hub's resolver (0.16; no timeout, no retry, no hash),
`keras.utils.get_file` (no timeout, no retry) and `pooch` (1.9).
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrainer.backbones.fetching.partial_file import PARTIAL_CONTENT, PartialFile
from retrainer.errors import DownloadError
from retrainer.events import Began, DownloadAdvanced, Observer, silent
from retrainer.system.files import output_error
from retrainer.text import innermost_reason, shown

if TYPE_CHECKING:
    from retrainer.system.deadline import Deadline

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
# A server that sends fewer bytes of the file in this time is too slow, also one that sends anything else meanwhile.
SLOW_SECONDS, FEWEST_BYTES = 60.0, 60_000
# Failures in a row, without a new byte between them.
TRIES = 3
MAX_ATTEMPTS = 50
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
# A later request may succeed after these; any other status but 200 and 206 is final.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class DownloadRequest:
    """The request to download one file.

    Attributes:
        url: `http://` or `https://`: a module's page, an archive, or a network that is one file.
        sha256: `content_digest` of what the URL gave before; empty if it is not known.
        offline_hint: The fix that a message offers to a user without an Internet connection.
        observer: Is called with `DownloadAdvanced`, and with a `Noted` before each wait.
    """

    url: str
    sha256: str = ""
    offline_hint: str = ""
    observer: Observer = silent

    def advanced(self, received: int, expected: int) -> None:
        """Reports the bytes that are here, and all bytes that are expected."""
        self.observer(DownloadAdvanced(self.url, received, expected))


@dataclass(frozen=True)
class _Failure:
    """The reason of a failed attempt, and the seconds that the server asks to wait."""

    reason: str
    wait: float = 0.0


def download(request: DownloadRequest, path: Path, query: dict[str, str]) -> None:
    """Writes what a URL gives to a file; after a failure, the bytes that a later run can continue from stay.

    Args:
        request: The file to download.
        path: The file to write.
        query: Parameters to add to the URL.

    Raises:
        DownloadError: it cannot be downloaded; the text says why.
        OutputError: the file cannot be written.
    """
    partial = PartialFile(path)
    try:
        _download(request, partial, query)
    except BaseException:
        if not partial.size:
            partial.remove()
        raise


def _download(request: DownloadRequest, partial: PartialFile, query: dict[str, str]) -> None:
    failures, held = 0, 0
    for attempt in range(1, MAX_ATTEMPTS + 1):
        failure = _attempt(request, partial, query)
        if failure is None:
            return
        before, held = held, partial.size
        failures = 1 if held > before else failures + 1
        if failures == TRIES or attempt == MAX_ATTEMPTS:
            times = attempt if attempt == MAX_ATTEMPTS else failures
            raise DownloadError(
                f"'{shown(request.url)}' cannot be downloaded: {failure.reason}, {times} times.", request.offline_hint
            )
        wait = min(max(failure.wait, FIRST_WAIT_SECONDS * 2 ** (failures - 1)), LONGEST_WAIT_SECONDS)
        request.observer(Began(f"'{shown(request.url)}' is tried again in {wait:g} s: {failure.reason}"))
        time.sleep(wait)


def _attempt(request: DownloadRequest, partial: PartialFile, query: dict[str, str]) -> _Failure | None:
    """Sends one request and writes its answer; returns a failure that another attempt may mend."""
    from retrainer.system.deadline import Deadline

    with Deadline(SLOW_SECONDS, FEWEST_BYTES) as deadline:
        failure = _answered(request, partial, query, deadline)
    if failure and deadline.has_passed:
        raise DownloadError(
            f"'{shown(request.url)}' cannot be downloaded: fewer than {FEWEST_BYTES:,} bytes came in "
            f"{SLOW_SECONDS:g} s, which is too slow to go on.",
            "Try again later, or name another source.",
        )
    return failure


def _answered(
    request: DownloadRequest, partial: PartialFile, query: dict[str, str], deadline: "Deadline"
) -> _Failure | None:
    import requests
    import urllib3

    try:
        with (
            deadline.session() as session,
            session.get(
                request.url,
                params=query,
                headers={"Accept-Encoding": "identity", **partial.headers},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
            ) as answer,
        ):
            if answer.status_code == _RANGE_NOT_SATISFIABLE:
                partial.remove()
                return _Failure("the server has not as many bytes as came before")
            if answer.status_code in _TRANSIENT:
                wait = _seconds_of(answer.headers.get("Retry-After", ""))
                return _Failure(f"the server answered {answer.status_code} {answer.reason}", wait)
            _require_file(answer, request.url)
            partial.append(answer, request.advanced, deadline)
            return None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects) as error:
        raise DownloadError(
            f"'{shown(request.url)}' cannot be downloaded: {innermost_reason(error)}.", "Check the address."
        ) from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return _Failure(f"no answer within {READ_SECONDS:g} s")
    # A redirection to a text that is no address is a ValueError.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        return _Failure(innermost_reason(error))
    except OSError as error:
        raise output_error(partial.path, error) from error


def _seconds_of(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else 0.0


def _require_file(answer: Any, url: str) -> None:
    """Raises DownloadError if an answer is an error or a web page."""
    if answer.status_code not in (200, PARTIAL_CONTENT):
        raise DownloadError(
            f"'{shown(url)}' cannot be downloaded: the server answered {answer.status_code} {answer.reason}.",
            "Check the handle's spelling and version.",
        )
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DownloadError(
            f"'{shown(url)}': expected an archive of a network, received a web page ({shown(kind)}).",
            "Name the model's own handle, or download it by hand and name the file.",
        )
