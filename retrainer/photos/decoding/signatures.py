"""Kinds of files by their first bytes: the formats that are read, and names for all others."""

import re
from typing import NamedTuple

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""The formats that are read, by Pillow's names."""

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Kind(NamedTuple):
    """A kind of files.

    Attributes:
        offset: The position of its signature in a file.
        beginning: The signature.
        name: What the file is, as in "received ...".
        hint: What the user can do.
    """

    offset: int
    beginning: bytes
    name: str
    hint: str = ""


_SAVE_AS = "save it as JPEG or PNG"
_DEVELOP = "develop it to a JPEG, as cameras and photo programs do"
CANON = b"CR\x02"
RAW = f"a raw photo of a camera; {_DEVELOP}"
_UPGRADE = "pip install --upgrade pillow"
KINDS = (
    Kind(4, b"ftypavi", "an AVIF picture, which needs a newer Pillow", _UPGRADE),
    Kind(4, b"ftypcrx ", "a raw photo of Canon's (CR3)", _DEVELOP),
    Kind(4, b"ftypqt  ", "a video (QuickTime)"),
    Kind(4, b"ftyp", "a video (MP4)"),
    Kind(0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", _SAVE_AS),
    Kind(0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS),
    Kind(0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _SAVE_AS),
    Kind(0, b"\xff\x0a", "a JPEG XL picture", _SAVE_AS),
    Kind(0, b"II\xbc\x01", "a JPEG XR picture", _SAVE_AS),
    Kind(8, CANON, "a raw photo of Canon's (CR2)", _DEVELOP),
    Kind(0, b"IIRO", "a raw photo of Olympus's (ORF)", _DEVELOP),
    Kind(0, b"IIU\0", "a raw photo of Panasonic's (RW2)", _DEVELOP),
    Kind(0, b"FUJIFILMCCD-RAW", "a raw photo of Fujifilm's (RAF)", _DEVELOP),
    Kind(0, b"FOVb", "a raw photo of Sigma's (X3F)", _DEVELOP),
    Kind(0, b"%PDF", "a PDF document", "save its pictures as JPEG or PNG"),
    Kind(0, b"%!PS", "a PostScript document", _SAVE_AS),
    Kind(0, b"8BPS", "a Photoshop document", _SAVE_AS),
    Kind(0, b"gimp xcf", "a GIMP document", _SAVE_AS),
    Kind(0, b"PK\x03\x04", "a ZIP archive or an office document", "unpack it"),
    Kind(0, b"\x1f\x8b", "a gzip archive", "unpack it"),
    Kind(0, b"Rar!", "a RAR archive", "unpack it"),
    Kind(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    Kind(257, b"ustar", "a tar archive", "unpack it"),
    Kind(0, b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
    Kind(8, b"AVI ", "a video (AVI)"),
    Kind(8, b"WAVE", "a sound (WAV)"),
    Kind(0, b"ID3", "a sound (MP3)"),
    Kind(0, b"OggS", "a sound or video (Ogg)"),
    Kind(0, b"\0\0\x01\0", "an icon", _SAVE_AS),
    Kind(0, b"qoif", "a QOI picture", _SAVE_AS),
    Kind(0, b"\x76\x2f\x31\x01", "an OpenEXR picture", _SAVE_AS),
    Kind(0, b"#?RADIANCE", "a Radiance HDR picture", _SAVE_AS),
    Kind(0, b"SIMPLE  =", "a FITS picture", _SAVE_AS),
    Kind(128, b"DICM", "a DICOM picture", _SAVE_AS),
    Kind(0, b"\x93NUMPY", "a NumPy array", _SAVE_AS),
    Kind(0, b"\x89HDF", "an HDF5 file"),
    Kind(0, b"\0\x05\x16\x07", "the notes of macOS on another file, not the file itself"),
    Kind(0, b"version https://git-lfs", "the pointer of Git LFS to a file", "git lfs pull"),
)
# The formats that are read; they are looked for in files whose header is cut off or damaged.
READ = (
    Kind(0, JPEG, "JPEG"),
    Kind(0, b"\x89PNG", "PNG"),
    Kind(0, b"GIF8", "GIF"),
    Kind(0, b"BM", "BMP"),
    Kind(0, b"II*\0", "TIFF"),
    Kind(0, b"MM\0*", "TIFF"),
    Kind(0, b"II+\0", "BigTIFF"),
    Kind(0, b"MM\0+", "BigTIFF"),
    Kind(8, b"WEBP", "WebP"),
)
_PAGE = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title)\b", re.IGNORECASE | re.DOTALL)
_DRAWING = re.compile(rb"<svg\b|<!doctype\s+svg", re.IGNORECASE)


def received(content: bytes) -> str:
    """A file's kind for a message, followed by a semicolon and a hint if there is one."""
    for kind in KINDS:
        if content.startswith(kind.beginning, kind.offset):
            return f"{kind.name}; {kind.hint}" if kind.hint else kind.name
    return _text(content[:1024]) or f"a file that begins with {content[:12].hex(' ')}"


def _text(beginning: bytes) -> str:
    """A text file's kind for a message; empty if the file is no text."""
    plain = beginning.removeprefix(b"\xef\xbb\xbf")
    if _DRAWING.search(plain):
        return f"a drawing (SVG); {_SAVE_AS}"
    if _PAGE.match(plain):
        return "a web page; fetch the picture itself"
    if plain.lstrip().startswith(b"<?xml"):
        return "an XML document"
    if not plain.strip(b"\0"):
        return "a file of zeros"
    # The last character may be cut.
    words = plain[:64].decode("utf-8", "replace")
    words = words[:-1] if len(plain) > 64 else words
    return "a text file" if all((c.isprintable() or c.isspace()) and c != "\ufffd" for c in words) else ""


def format_of(content: bytes) -> str:
    """The name of the format whose signature a file has; empty if the format is not read."""
    if content.startswith(CANON, 8):
        return ""
    return next((kind.name for kind in READ if content.startswith(kind.beginning, kind.offset)), "")
