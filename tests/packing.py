"""Archives that tests make: ZIP and tar files of given members, plain, compressed and hostile."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

Members = Mapping[str, bytes]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member, method)
    return content.getvalue()


def tarred(members: Members, format_: int = tarfile.GNU_FORMAT) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=format_) as archive:
        for name, member in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(member)
            archive.addfile(header, io.BytesIO(member))
    return content.getvalue()


PACKERS: dict[str, Callable[[Members], bytes]] = {
    "zip": zipped,
    "stored.zip": lambda members: zipped(members, zipfile.ZIP_STORED),
    "bzip2.zip": lambda members: zipped(members, zipfile.ZIP_BZIP2),
    "sfx.zip": lambda members: b"MZ a program" * 99 + zipped(members),
    "tar": tarred,
    "pax.tar": lambda members: tarred(members, tarfile.PAX_FORMAT),
    "tar.gz": lambda members: gzip.compress(tarred(members)),
    "tar.bz2": lambda members: bz2.compress(tarred(members)),
    "tar.xz": lambda members: lzma.compress(tarred(members)),
}
"""A name's ending -> what packs members so."""


def packed_tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths below the folder above it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in paths}


def raw_zip(name: bytes, content: bytes, flags: int = 0, extra: bytes = b"", size: int | None = None) -> bytes:
    """A ZIP of one stored member, with any bytes for its name, flags, extra field and size."""
    size = len(content) if size is None else size
    checks = zlib.crc32(content), len(content), size
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, 0, 0, 0, *checks, len(name), 0) + name + content
    lengths = len(name), len(extra), 0, 0, 0, 0, 0
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, flags, 0, 0, 0, *checks, *lengths) + name + extra
    return local + entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
