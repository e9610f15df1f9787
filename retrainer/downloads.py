"""Archives from the network, into TF-Hub's own cache layout.

The layout is tensorflow_hub's: a folder named by the SHA-1 of the handle, beside it `<name>.descriptor.txt`. What
tensorflow_hub downloaded is found here, and the other way round.
"""

import errno
import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from retrainer.errors import DownloadError
from retrainer.files import DISK_FULL, TEMPORARY_PREFIX, locked, output_error, remove_stale, shown, write_whole

SAVED_MODEL = "saved_model.pb"
CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
TRIES = 3
FIRST_WAIT_SECONDS = 1.0
MAX_BYTES = 4 * 2**30
MAX_MEMBERS = 10_000
MAX_HEADER_BYTES = 2**20
SLOWEST_BYTES_PER_SECOND, SLOW_SECONDS = 1000, 60.0
_BLOCK = 1 << 18
# Answers that may be better in a moment; any other but 200 is final.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

# What a damaged archive makes Python's readers raise; OSError for names that no disk takes.
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OSError)
_DISK_TROUBLE = DISK_FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}

Progress = Callable[[int, int], None]
"""Called with the bytes that have come and the bytes that are expected, 0 where the server does not say."""


def hub_cache(model_dir: str) -> Path:
    """TF-Hub's cache: `TFHUB_CACHE_DIR` where it is set, otherwise a folder that no cleaner of /tmp empties."""
    return Path(os.environ.get("TFHUB_CACHE_DIR") or Path(model_dir) / "tfhub_modules")


def hub_folder(handle: str, cache: Path) -> Path:
    """Where TF-Hub's cache keeps the module of a handle."""
    return cache / hashlib.sha1(handle.encode("utf-8")).hexdigest()


def fetch_module(handle: str, cache: Path, progress: Progress, otherwise: str) -> Path:
    """The folder of a module, downloaded and unpacked unless the cache has it whole.

    Args:
        handle: `http://` or `https://`: a module's page, or an archive.
        cache: `hub_cache`.
        progress: Told of what has come.
        otherwise: What to do without a network.

    Raises:
        DownloadError: it cannot be had; the text says why.
        OutputError: it cannot be written.
    """
    folder = hub_folder(handle, cache)
    if is_whole(folder):
        return folder
    with locked(cache / f".{folder.name}.retrainer-lock"):
        if is_whole(folder):  # another run was faster
            return folder
        remove_stale(cache)
        try:
            with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=cache) as temporary:
                archive = Path(temporary) / "archive"
                _download(handle, archive, progress, otherwise)
                unpack(archive, folder, handle)
        except OSError as error:
            raise output_error(cache, error) from error
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
        write_whole(f"{folder}.descriptor.txt", f"Module: {handle}\nDownload Time: {stamp}\n".encode())
    return folder


def is_whole(folder: Path) -> bool:
    """Whether a folder holds all files of a SavedModel; cleaners of temporary folders leave half of them."""
    variables = folder / "variables"
    if not (folder / SAVED_MODEL).is_file():
        return False
    if not variables.is_dir():  # a module without weights
        return True
    shards = [path.name.rsplit("-", 1)[1] for path in variables.glob("variables.data-*-of-*")]
    return (variables / "variables.index").is_file() and {f"{len(shards):05d}"} == set(shards)


def unpack(archive: Path, folder: Path, source: str) -> None:
    """Unpacks a SavedModel's archive: plain files and folders only, of a bounded size, all of them or none.

    Args:
        archive: A `.tar`, `.tar.gz` or `.tgz`.
        folder: Appears when everything is unpacked; what is there is replaced.
        source: Where the archive came from, for messages.

    Raises:
        DownloadError: it is no such archive, is truncated, holds something else, or no SavedModel.
        OutputError: the disk is full, or the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder.parent) as temporary:
            unfinished = Path(temporary) / "unpacked"
            unfinished.mkdir()
            try:
                with tarfile.open(archive, tarinfo=_BoundedHeader) as members:
                    for member in _safe(members, source):
                        members.extract(member, unfinished, filter="data")
            except _UNREADABLE as error:
                if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                    raise
                raise DownloadError(
                    f"'{shown(source)}': expected a .tar.gz of a SavedModel, received a damaged or truncated one: "
                    f"{(str(error) or type(error).__name__).splitlines()[0].rstrip(':')}.",
                    "Try again, or name another source.",
                ) from error
            root = _root_of(unfinished, source)
            shutil.rmtree(folder, ignore_errors=True)
            root.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error


class _BoundedHeader(tarfile.TarInfo):
    """A member whose extended header, which tarfile reads into memory, is of a bounded size."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isfile() and not self.isdir() and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member


def _safe(members: tarfile.TarFile, source: str) -> Iterator[tarfile.TarInfo]:
    """The members of an archive, each looked at before it is unpacked."""
    total = 0
    for count, member in enumerate(members, start=1):
        total += member.size
        if not (member.isfile() or member.isdir()):
            reason = "is a link or a device; expected files and folders only"
        elif member.name.startswith("/") or ".." in Path(member.name).parts:
            reason = "lies outside the archive"
        elif total > MAX_BYTES or count > MAX_MEMBERS:
            reason = f"is too much; expected at most {MAX_MEMBERS:,} files of {MAX_BYTES >> 30} GB together"
        else:
            yield member
            continue
        raise DownloadError(
            f"'{shown(source)}': '{shown(member.name)}' {reason}.", "Do not use this archive; name another source."
        )


def _root_of(unpacked: Path, source: str) -> Path:
    """The folder that holds `saved_model.pb`: the archive's own, or the only folder in it."""
    for folder in (unpacked, *(path for path in unpacked.iterdir() if path.is_dir())):
        if is_whole(folder):
            return folder
    received = sorted(shown(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file())
    raise DownloadError(
        f"'{shown(source)}': expected {SAVED_MODEL} and its variables in the archive, "
        f"received {', '.join(received[:5]) or 'nothing'}.",
        "Name a TF2 SavedModel of a feature vector.",
    )


def _download(handle: str, archive: Path, progress: Progress, otherwise: str) -> None:
    """Writes what the handle gives to a file, trying again where that may help."""
    import requests
    import urllib3

    for attempt in range(1, TRIES + 1):
        try:
            with requests.get(
                handle,
                params={"tf-hub-format": "compressed"},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
            ) as answer:
                if answer.status_code not in _TRANSIENT:
                    _require_archive(answer, handle)
                    _store(answer, archive, progress)
                    return
                reason = f"the server answered {answer.status_code} {answer.reason}"
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            reason = f"no answer within {READ_SECONDS:g} s"
        # A redirection to what is no address is a ValueError.
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = _cause(error)
        if attempt < TRIES:
            time.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    raise DownloadError(
        f"'{shown(handle)}' cannot be downloaded: {reason}, {TRIES} times.",
        otherwise,
    )


def _require_archive(answer: Any, handle: str) -> None:
    """Raises DownloadError where the answer says that it is no archive."""
    if answer.status_code != 200:
        raise DownloadError(
            f"'{shown(handle)}' cannot be downloaded: the server answered {answer.status_code} {answer.reason}.",
            "Check the handle's spelling and version.",
        )
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DownloadError(
            f"'{shown(handle)}': expected a .tar.gz of a SavedModel, received a web page ({shown(kind)}).",
            "Name the model's own handle, or download it by hand and name the file.",
        )


def _store(answer: Any, archive: Path, progress: Progress) -> None:
    """Writes the answer's bytes to a file.

    Raises:
        DownloadError: they are too many, or come too slowly.
        ValueError: fewer came than the server said.
    """
    length = answer.headers.get("Content-Length", "")
    expected, received, started = int(length) if length.isdecimal() else 0, 0, time.monotonic()
    with archive.open("wb") as handle:
        while block := answer.raw.read1(_BLOCK, decode_content=False):
            received += len(block)
            seconds = time.monotonic() - started
            if received > MAX_BYTES:
                raise DownloadError(f"'{shown(answer.url)}': more than the limit of {MAX_BYTES >> 30} GB.")
            if seconds > SLOW_SECONDS and received < seconds * SLOWEST_BYTES_PER_SECOND:
                raise DownloadError(
                    f"'{shown(answer.url)}': {received:,} bytes came in {seconds:.0f} s, which is too slow to go on.",
                    "Try again later, or name another source.",
                )
            handle.write(block)
            progress(received, expected)
    if received < expected:
        raise ValueError(f"{received:,} of {expected:,} bytes came")


def _cause(error: Exception) -> str:
    """The innermost reason of a failed connection."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {shown(str(cause))}"
