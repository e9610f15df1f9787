"""JPEG, the format of nearly all photos, decoded by a decoder that tells when data are missing."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import simplejpeg
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.errors import PictureError
from retrainer.photos.decoding.damage import has_lost_block

_COLOURS = {"YCbCr": "RGB", "RGB": "RGB", "Gray": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
# Markers of the JPEG standard, ITU-T T.81, table B.1.
_CODES, _START_OF_SCAN, _TABLES, _APP0, _APP1, _APP14 = 0xC4, 0xDA, 0xDB, 0xE0, 0xE1, 0xEE
_ALONE = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xDA)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_SEQUENTIAL = (0xC0, 0xC1)
_END = b"\xff\xd9"
# Kinds of frames that decoders of photos do not know, by their marker; JPEG-LS is that of ITU-T T.87.
_RARE_FRAMES = {
    0xC3: "a lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA), "a JPEG with arithmetic coding"),
    0xCB: "a lossless JPEG",
    0xF7: "a JPEG-LS",
}
# Bytes other than zeros and 0xFF that may stand before the end mark; more of them are data of the picture.
_MOST_STRAY_BYTES = 4
# A page of zeros in a picture's data may end with few bytes too many, or with none.
_ZEROED = bytes(64)
# More zeros than all samples of 16 by 16 pixels have, if each of their coefficients takes three bits.
_HOLE = bytes(160)
_MEMORY = "memory"
# How an APP1 segment of XMP begins, by part 3 of its specification.
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def decode_jpeg(content: bytes, size: int, most_pixels: int) -> Pixels | None:
    """The pixels of a JPEG, not turned upright: uint8 `(H, W, 3)`, RGB; None if only Pillow can read it.

    The decoder is strict: it must find all data, and nothing else between them. Oddities that some cameras write and
    no picture suffers from are set right first.

    Args:
        content: The whole file.
        size: Half of what both sides must keep, pixels. The picture is halved up to three times within the decoder's
            own transform; its other scales cost more time than they save.
        most_pixels: A larger picture is not decoded.

    Raises:
        PictureError: data are damaged or missing, or it is a kind of JPEG that cannot be decoded.
    """
    try:
        return _decoded(content, size, most_pixels)
    except ValueError as error:
        problem = str(error)
    # As many oddities as there are kinds of them.
    for _ in _ODDITIES:
        mended = _mended(content, problem)
        if mended == content:
            break
        content = mended
        try:
            return _decoded(content, size, most_pixels)
        except ValueError as error:
            problem = str(error)
    if _MEMORY in problem.lower():
        raise MemoryError(problem)
    reason = _reason(content, problem)
    if reason is None:
        return None
    raise PictureError(reason)


def _decoded(content: bytes, size: int, most_pixels: int) -> Pixels | None:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    if height * width > most_pixels:
        return None
    _require_sound_header(content)
    # To find the end mark takes longer than to look behind it.
    if has_lost_block(content, 0, len(content)) and has_lost_block(content, *_scan(content)):
        raise ValueError("a block of its data is missing")
    if _HOLE in content and _has_hole(content):
        raise ValueError("a part of its data is missing")
    for _ in range(3):
        half = (height + 1) // 2, (width + 1) // 2
        if min(half) < 2 * size:
            break
        height, width = half
    space = _COLOURS.get(colours, "RGB")
    pixels: Pixels = simplejpeg.decode_jpeg(content, space, min_height=height, min_width=width)
    # Adobe's programs, which write nearly all of them, store inks inverted, and Pillow takes all for theirs.
    return pixels if space == "RGB" else np.asarray(Image.fromarray(~pixels, "CMYK").convert("RGB"))


def may_be_turned(content: bytes) -> bool:
    """Whether a JPEG may state an orientation: False only if no segment before the picture is EXIF or XMP."""
    place = 2
    while len(content) >= place + 4 and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == _START_OF_SCAN:
            return False
        if length < 2 or (marker == _APP1 and content.startswith((b"Exif\0", _XMP), place + 4)):
            return True
        place += 2 + length
    return True


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of a JPEG's header; the last is the start of the first scan.

    Bytes between the segments belong to none of them.
    """
    place = 2
    while 0 <= (place := content.find(b"\xff", place)) <= len(content) - 4:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in _ALONE:
            place += 1
            continue
        yield marker, place, place + 2 + length
        if marker == _START_OF_SCAN or length < 2:
            return
        place += 2 + length


def _require_sound_header(content: bytes) -> None:
    """Raises ValueError if a header is of a rare kind, or a quantization table of it holds a zero.

    The decoder would write a lossless JPEG beyond the memory that it sets aside for a halved one. The standard forbids
    zeros, which bytes that were lost leave.
    """
    frame = 0
    for marker, start, end in segments(content):
        if marker in _FRAMES:
            frame = marker
        table = start + 4
        while marker == _TABLES and table < end:
            wide = content[table] >> 4
            entries = content[table + 1 : table + 1 + (128 if wide else 64)]
            if 0 in (np.frombuffer(entries[: len(entries) // 2 * 2], ">u2") if wide else entries):
                raise ValueError("a table of its header is damaged")
            table += 1 + (128 if wide else 64)
    if not frame or frame in _RARE_FRAMES:
        raise ValueError("no frame that can be decoded")


def _has_hole(content: bytes) -> bool:
    """Whether the data of a sequential JPEG hold zeros that no picture gives.

    An even area gives zeros if the shortest code, which is all zeros, ends a block in all tables of the scan. In any
    other table it stands for a coefficient, and no block has the same one 63 times.
    """
    shortest: dict[int, int] = {}
    samples, tables = b"", b""
    for marker, start, end in segments(content):
        if marker in _FRAMES:
            samples = content[start + 9 : start + 10] if marker in _SEQUENTIAL else b""
        elif marker == _CODES:
            shortest |= _shortest_codes(content[start + 4 : end])
        elif marker == _START_OF_SCAN and content[start + 4 : start + 5] == samples:
            tables = content[start + 6 : end : 2][: sum(samples)]
    first, last = _scan(content)
    # Zeros before the end mark may be padding, which the decoder tells.
    data = content[first:last].rstrip(b"\0\xff")
    return _HOLE in data and any(shortest.get(table & 15) for table in tables)


def _shortest_codes(segment: bytes) -> dict[int, int]:
    """Number of a Huffman table of coefficients -> what its shortest code stands for; 0 ends a block."""
    shortest = {}
    while len(segment) > 17:
        if segment[0] >> 4:
            shortest[segment[0] & 15] = segment[17]
        segment = segment[17 + sum(segment[1:17]) :]
    return shortest


def _scan(content: bytes) -> tuple[int, int]:
    """Where the data of a JPEG's first picture begin, and where its end mark or the file's end is."""
    start = next((end for marker, _, end in segments(content) if marker == _START_OF_SCAN), len(content))
    end = content.find(_END, start)
    return start, len(content) if end < 0 else end


def _reason(content: bytes, problem: str) -> str | None:
    """Why a JPEG cannot be decoded, in the words of its header or of the decoder; None if nothing is wrong with it."""
    frame = next(((marker, start) for marker, start, _ in segments(content) if marker in _FRAMES), None)
    if frame is None:
        return "damaged or truncated: its header is not that of a whole JPEG"
    marker, start = frame
    if marker in _RARE_FRAMES:
        return f"{_RARE_FRAMES[marker]}, which cannot be decoded; expected a baseline or progressive one"
    if (bits := content[start + 4]) != 8:
        return f"a JPEG of {bits} bits, which cannot be decoded; expected 8 bits"
    # An unusual ratio of brightness to colour samples, such as 3 to 1, which this decoder alone does not know.
    if "subsampling" in problem:
        return None
    return f"damaged or truncated: {problem.removeprefix('Corrupt JPEG data: ')}"


def _with_segments(content: bytes, changed: Callable[[int, bytes], bytes]) -> bytes:
    """A JPEG whose header's segments were changed, and what stood between them left out."""
    parts, end = [content[:2]], len(content)
    for marker, start, end in segments(content):
        parts.append(changed(marker, content[start:end]))
    return b"".join([*parts, content[end:]])


def _known_revision(marker: int, segment: bytes) -> bytes:
    return segment[:9] + b"\1" + segment[10:] if marker == _APP0 else segment


def _known_transform(marker: int, segment: bytes) -> bytes:
    return segment[:15] + b"\1" + segment[16:] if marker == _APP14 else segment


def _whole_spectrum(marker: int, segment: bytes) -> bytes:
    return segment[:-3] + b"\0\x3f\0" if marker == _START_OF_SCAN else segment


def _without_stray_bytes(content: bytes, count: int) -> bytes:
    """A JPEG without the bytes before its end mark that belong to no picture."""
    scan, end = _scan(content)
    stray = content[end - count : end]
    padding = not stray.strip(b"\0\xff")
    few = len(stray) <= _MOST_STRAY_BYTES
    data = content[scan : end - count]
    zeroed = data.endswith(_ZEROED) if padding else _ZEROED in data
    if not (padding or few) or zeroed:
        return content
    return content[: end - count] + content[end:]


# What the decoder (libjpeg-turbo's jerror.h) says of an oddity -> what sets it right.
_ODDITIES: dict[re.Pattern[str], Callable[[bytes, re.Match[str]], bytes]] = {
    re.compile(r"(\d+) extraneous bytes before marker 0xd9"): lambda c, m: _without_stray_bytes(c, int(m[1])),
    re.compile("extraneous bytes before marker"): lambda c, _: _with_segments(c, lambda _, segment: segment),
    re.compile("unknown JFIF revision"): lambda c, _: _with_segments(c, _known_revision),
    re.compile("Unknown Adobe color transform"): lambda c, _: _with_segments(c, _known_transform),
    re.compile("Invalid SOS parameters"): lambda c, _: _with_segments(c, _whole_spectrum),
}


def _mended(content: bytes, problem: str) -> bytes:
    """The file with the oddity set right that the decoder complains of; as it is if that is none."""
    for pattern, mend in _ODDITIES.items():
        if match := pattern.search(problem):
            return mend(content, match)
    return content
