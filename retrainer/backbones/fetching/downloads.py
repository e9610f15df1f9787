"""Files from the network: gone on with after a break, tried again, bounded, and remembered by their hash.

Modules lie in TF-Hub's own cache layout: a folder named by the SHA-1 of the handle, beside it
`<name>.descriptor.txt`. What tensorflow_hub downloaded is found here, and the other way round.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retrainer.backbones.fetching.archives import KERAS_ENDING, MAX_BYTES, TFLITE_ENDING, network_in, unpack
from retrainer.errors import DownloadError
from retrainer.system.files import content_digest, locked, output_error, shown, write_whole
from retrainer.system.unfinished import unfinished_folder

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
# In a row and without a new byte.
TRIES = 3
MAX_ATTEMPTS = 50
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
SLOWEST_BYTES_PER_SECOND, SLOW_SECONDS = 1000, 60.0
_BLOCK = 1 << 18
# Answers that may be better in a moment; any other but 200 and 206 is final.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
# How files begin that are networks by themselves; a `.keras` file is a zip archive.
_NETWORK_BEGINNINGS = ((4, b"TFL3", TFLITE_ENDING), (0, b"PK\x03\x04", KERAS_ENDING))

Progress = Callable[[int, int], None]
"""Called with the bytes that have come and the bytes that are expected, 0 where the server does not say."""


@dataclass(frozen=True)
class DownloadRequest:
    """What is to be fetched.

    Attributes:
        url: `http://` or `https://`: a module's page, an archive, or a network that is one file.
        sha256: `content_digest` of what it gave before; empty where it has not been fetched.
        offline_hint: What to do without a network, for messages.
        noted: Told of what is waited for.
    """

    url: str
    sha256: str = ""
    offline_hint: str = ""
    noted: Callable[[str], None] = lambda _: None


def hub_cache(model_dir: str) -> Path:
    """TF-Hub's cache: `TFHUB_CACHE_DIR` where it is set, otherwise a folder that no cleaner of /tmp empties."""
    return Path(os.environ.get("TFHUB_CACHE_DIR") or Path(model_dir) / "tfhub_modules")


def hub_folder(handle: str, cache: Path) -> Path:
    """Where TF-Hub's cache keeps the module of a handle."""
    return cache / hashlib.sha1(handle.encode("utf-8")).hexdigest()


def cached_module(handle: str, cache: Path, sha256: str = "") -> Path | None:
    """The folder of a module that the cache has, None where it has none or a damaged one.

    All files must be there, and their content must be `sha256` and what it was when retrainer fetched it, where
    these are known.
    """
    folder = hub_folder(handle, cache)
    if network_in(folder) is None:
        return None
    known = {sha256, _known_digest(folder)} - {""}
    return folder if not known or known == {content_digest(folder)} else None


def fetch_module(request: DownloadRequest, cache: Path, progress: Progress, *, again: bool = False) -> Path:
    """The folder of a module, downloaded and unpacked unless the cache has it whole.

    Args:
        request: A handle, or the address of an archive or of a network's file.
        cache: `hub_cache`.
        progress: Told of what has come.
        again: Whether to fetch it although the cache has it.

    Raises:
        DownloadError: it cannot be had, or is not what it was before; the text says why.
        OutputError: it cannot be written.
    """
    folder = hub_folder(request.url, cache)
    found = None if again else cached_module(request.url, cache, request.sha256)
    if found:
        return found
    with locked(cache / f".{folder.name}.retrainer-lock"):
        found = None if again else cached_module(request.url, cache, request.sha256)
        if found:  # another run was faster
            return found
        known = request.sha256 or _known_digest(folder)
        archive = cache / f".partial-{folder.name}"
        _download(request, archive, {"tf-hub-format": "compressed"}, progress)
        try:
            _place(archive, folder, request.url, known)
        finally:
            _forget(archive)
        _describe(folder, request.url)
    return folder


def fetch_file(request: DownloadRequest, folder: Path, progress: Progress) -> Path:
    """A file under its own name, downloaded unless the folder has it whole.

    Raises:
        DownloadError: it cannot be had, or is not what it was before; the text says why.
        OutputError: it cannot be written.
    """
    target = folder / Path(urlsplit(request.url).path).name
    with locked(folder / f".{target.name}.retrainer-lock"):
        known = request.sha256 or _known_digest(target)
        if known and target.is_file() and content_digest(target) == known:
            return target
        part = folder / f".partial-{target.name}"
        _download(request, part, {}, progress)
        try:
            _require_known(part, request.url, known)
            os.replace(part, target)
        except OSError as error:
            raise output_error(target, error) from error
        finally:
            _forget(part)
        _describe(target, request.url)
    return target


def _place(archive: Path, folder: Path, url: str, known: str) -> None:
    """Makes a module's folder of what was downloaded."""
    with archive.open("rb") as handle:
        beginning = handle.read(8)
    for offset, mark, ending in _NETWORK_BEGINNINGS:
        if beginning[offset : offset + len(mark)] == mark:
            _place_file(archive, folder, "network" + ending, url, known)
            return
    unpack(archive, folder, url, lambda unpacked: _require_known(unpacked, url, known))


def _place_file(file: Path, folder: Path, name: str, url: str, known: str) -> None:
    try:
        with unfinished_folder(folder) as temporary:
            unfinished = temporary / "network"
            unfinished.mkdir()
            os.replace(file, unfinished / name)
            _require_known(unfinished, url, known)
            if folder.is_dir():
                folder.rename(temporary / "old")
            unfinished.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error


def _require_known(path: Path, url: str, known: str) -> None:
    """Raises DownloadError where the content is not what the same source gave before."""
    if known and (received := content_digest(path)) != known:
        raise DownloadError(
            f"'{shown(url)}' has changed: expected what it gave before, of SHA-256 {known[:16]}…, "
            f"received {received[:16]}….",
            "It is not used. If the change is right, remove the bundle, and the '.descriptor.txt' of the download.",
        )


def _descriptor(path: Path) -> Path:
    return path.with_name(f"{path.name}.descriptor.txt")


def _describe(path: Path, url: str) -> None:
    """Writes TF-Hub's descriptor, and the hash in it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
    text = f"Module: {url}\nDownload Time: {stamp}\nSHA-256: {content_digest(path)}\n"
    write_whole(_descriptor(path), text.encode())


def _known_digest(path: Path) -> str:
    """The hash that a download was remembered by, empty where there is none."""
    try:
        lines = _descriptor(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("SHA-256: ") for line in lines if line.startswith("SHA-256: ")), "")


def _validator_of(part: Path) -> Path:
    """Where the server's mark of the version that a partial file belongs to is kept."""
    return part.with_name(f"{part.name}.version")


def _forget(part: Path) -> None:
    for path in (part, _validator_of(part)):
        path.unlink(missing_ok=True)


def _download(request: DownloadRequest, part: Path, query: dict[str, str], progress: Progress) -> None:
    """Writes what a URL gives to a file; what came before a failure stays where a later run can go on with it."""
    try:
        _download_in_parts(request, part, query, progress)
    except BaseException:
        if not _rest_of(part):
            _forget(part)
        raise


def _download_in_parts(request: DownloadRequest, part: Path, query: dict[str, str], progress: Progress) -> None:
    """Tries again where that may help, and goes on where it was."""
    import requests
    import urllib3

    failures, held = 0, 0
    for attempt in range(1, MAX_ATTEMPTS + 1):
        wait, before = 0.0, held
        try:
            with requests.get(
                request.url,
                params=query,
                headers={"Accept-Encoding": "identity", **_rest_of(part)},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
            ) as answer:
                if answer.status_code == _RANGE_NOT_SATISFIABLE:
                    _forget(part)
                    reason = "the server has not as many bytes as came before"
                elif answer.status_code not in _TRANSIENT:
                    _require_archive(answer, request.url)
                    _store(answer, part, progress)
                    return
                else:
                    reason = f"the server answered {answer.status_code} {answer.reason}"
                    wait = _seconds_of(answer.headers.get("Retry-After", ""))
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects) as error:
            raise DownloadError(
                f"'{shown(request.url)}' cannot be downloaded: {_cause(error)}.", "Check the address."
            ) from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            reason = f"no answer within {READ_SECONDS:g} s"
        # A redirection to what is no address is a ValueError.
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = _cause(error)
        except OSError as error:
            raise output_error(part, error) from error
        held = part.stat().st_size if _rest_of(part) else 0
        failures = 1 if held > before else failures + 1
        if failures == TRIES or attempt == MAX_ATTEMPTS:
            break
        wait = min(max(wait, FIRST_WAIT_SECONDS * 2 ** (failures - 1)), LONGEST_WAIT_SECONDS)
        request.noted(f"'{shown(request.url)}' is tried again in {wait:g} s: {reason}")
        time.sleep(wait)
    times = attempt if attempt == MAX_ATTEMPTS else failures
    raise DownloadError(f"'{shown(request.url)}' cannot be downloaded: {reason}, {times} times.", request.offline_hint)


def _rest_of(part: Path) -> dict[str, str]:
    """The headers that ask for what a partial file lacks, none where it cannot be gone on with."""
    validator = _validator_of(part)
    if not part.is_file() or not validator.is_file() or not part.stat().st_size:
        return {}
    return {"Range": f"bytes={part.stat().st_size}-", "If-Range": validator.read_text("latin-1")}


def _seconds_of(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else 0.0


def _require_archive(answer: Any, url: str) -> None:
    """Raises DownloadError where the answer says that it is no archive."""
    if answer.status_code not in (200, _PARTIAL_CONTENT):
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


def _store(answer: Any, part: Path, progress: Progress) -> None:
    """Writes the answer's bytes to a file, behind those that came before where the answer goes on with them.

    Raises:
        DownloadError: they are too many, or come too slowly.
        ValueError: fewer came than the server said, or others than were asked for.
    """
    held, expected = _begin(answer, part)
    received, started = held, time.monotonic()
    with part.open("ab") as handle:
        while block := answer.raw.read1(_BLOCK, decode_content=False):
            received += len(block)
            seconds = time.monotonic() - started
            if received > MAX_BYTES:
                _forget(part)
                raise DownloadError(f"'{shown(answer.url)}': more than the limit of {MAX_BYTES >> 30} GB.")
            if seconds > SLOW_SECONDS and received - held < seconds * SLOWEST_BYTES_PER_SECOND:
                raise DownloadError(
                    f"'{shown(answer.url)}': {received - held:,} bytes came in {seconds:.0f} s, "
                    "which is too slow to go on.",
                    "Try again later, or name another source.",
                )
            handle.write(block)
            progress(received, expected)
        handle.flush()
        os.fsync(handle.fileno())
    if received < expected:
        raise ValueError(f"{received:,} of {expected:,} bytes came")


def _begin(answer: Any, part: Path) -> tuple[int, int]:
    """Makes a partial file ready for an answer: how many bytes of it are there already, and how many there will be."""
    length, version = answer.headers.get("Content-Length", ""), _version_of(answer)
    size = int(length) if length.isdecimal() else 0
    if answer.status_code == _PARTIAL_CONTENT:
        held = part.stat().st_size if part.is_file() else 0
        place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        # Some servers heed Range but not If-Range.
        same = not version or not _validator_of(part).is_file() or _validator_of(part).read_text("latin-1") == version
        if place is None or int(place[1]) != held or not same:
            _forget(part)
            raise ValueError("other bytes came than were asked for")
        return held, held + size if place[2] == "*" else int(place[2])
    _forget(part)
    if version and answer.headers.get("Accept-Ranges", "bytes") != "none":
        _validator_of(part).write_text(version, "latin-1")
    return 0, size


def _version_of(answer: Any) -> str:
    """The server's mark that says that the bytes are the same; a weak one does not (RFC 9110, 13.1.5)."""
    tag = str(answer.headers.get("ETag", ""))
    if tag:
        return "" if tag.startswith("W/") else tag
    return str(answer.headers.get("Last-Modified", ""))


def _cause(error: Exception) -> str:
    """The innermost reason of a failed connection."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {shown(str(cause))}"
