"""Untrusted archives of networks: each member is checked before it is unpacked.

`tarfile` and its filter "data" keep members inside the folder; `zipfile` reads the list of members. The limits of size
and number are our own, because neither module has any.
"""

import errno
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from retrainer.backbones.network_files import SAVED_MODEL, network_in
from retrainer.errors import DownloadError
from retrainer.system.files import DISK_FULL, output_error
from retrainer.system.tar_headers import MAX_HEADER_BYTES, BoundedHeader
from retrainer.system.unfinished import unfinished_folder
from retrainer.text import reason_of, shown

MAX_BYTES = 4 * 2**30
MAX_MEMBERS = 10_000
# Uncompressed by compressed size: weights reach 1.1, a model's JSON about 20, a zip bomb 1,000.
MAX_RATIO = 200

# Python's readers raise these for a damaged archive; OSError for names that no disk takes.
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OSError)
_DISK_TROUBLE = DISK_FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}
_KERAS_MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})


def unpack(archive: Path, folder: Path, subject: str, accept: Callable[[Path], None] = lambda _: None) -> None:
    """Unpacks a network's archive, completely or not at all; it may hold only files and folders of limited size.

    Args:
        archive: A `.tar`, `.tar.gz` or `.tgz`.
        folder: Appears when everything is unpacked, and replaces a folder of that name.
        subject: The archive's name in messages.
        accept: Is called with the unpacked folder before it appears; raises to refuse it.

    Raises:
        DownloadError: it is no such archive, is damaged, holds other things than files and folders, or no network.
        OutputError: the disk is full, or the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(folder) as temporary:
            unfinished = temporary / "unpacked"
            unfinished.mkdir()
            try:
                with tarfile.open(archive, tarinfo=BoundedHeader) as members:
                    for member in _safe(members, subject):
                        members.extract(member, unfinished, filter="data")
            except _UNREADABLE as error:
                if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                    raise
                raise DownloadError(
                    f"'{shown(subject)}': expected a .tar.gz of a network, received a damaged or truncated one: "
                    f"{reason_of(error).rstrip(':')}.",
                    "Try again, or name another source.",
                ) from error
            root = _root_of(unfinished, subject)
            accept(root)
            shutil.rmtree(folder, ignore_errors=True)
            root.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error


def _safe(members: tarfile.TarFile, subject: str) -> Iterator[tarfile.TarInfo]:
    """Yields the members of an archive; raises DownloadError at the first that is not allowed."""
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
        raise _refused(subject, member.name, reason)


def _refused(subject: str, member: str, reason: str) -> DownloadError:
    return DownloadError(
        f"'{shown(subject)}': '{shown(member)}' {reason}.", "Do not use this archive; name another source."
    )


def _root_of(unpacked: Path, subject: str) -> Path:
    """The folder that is or holds the network: the archive's top, or the only folder in it."""
    network = network_in(unpacked)
    if network:
        return network if network.is_dir() else network.parent
    received = sorted(shown(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file())
    raise DownloadError(
        f"'{shown(subject)}': expected {SAVED_MODEL} and its variables, or one .pb, .tflite or .keras in the archive, "
        f"received {', '.join(received[:5]) or 'nothing'}.",
        "Name a feature vector.",
    )


def require_safe_keras(path: Path) -> None:
    """Checks a `.keras` file before Keras opens it: only the known members, of limited size and compression.

    Raises:
        DownloadError: it is no such file, or holds something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise DownloadError(
            f"'{shown(path)}' is no whole .keras file: expected a zip archive, received something else: {error}.",
            "Save the model again by model.save('NAME.keras'), or copy it again.",
        ) from error
    total = 0
    for count, member in enumerate(members, start=1):
        total += member.file_size
        known = member.filename in _KERAS_MEMBERS or member.filename.startswith("assets/")
        if not known or ".." in Path(member.filename).parts or "\\" in member.filename:
            raise _refused(
                str(path), member.filename, f"does not belong there; expected {', '.join(sorted(_KERAS_MEMBERS))}"
            )
        if total > MAX_BYTES or count > MAX_MEMBERS:
            raise _refused(str(path), member.filename, f"is too much; expected at most {MAX_BYTES >> 30} GB together")
        if member.file_size > MAX_RATIO * max(member.compress_size, 1) and member.file_size > MAX_HEADER_BYTES:
            raise _refused(str(path), member.filename, f"unpacks to more than {MAX_RATIO} times its size")
