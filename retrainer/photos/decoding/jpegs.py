"""JPEG, the format of nearly all photos, read by a decoder that notices missing data."""

import struct

import numpy as np
import simplejpeg
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.errors import PictureError
from retrainer.photos.decoding.damage import has_lost_block
from retrainer.photos.decoding.jpeg_repairs import ODDITIES, repaired
from retrainer.photos.decoding.jpeg_segments import CODES, FRAMES, START_OF_SCAN, TABLES, scan_of, segments

_COLOURS = {"YCbCr": "RGB", "RGB": "RGB", "Gray": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
_SEQUENTIAL = (0xC0, 0xC1)
# The frames that no decoder of photos reads.
_RARE_FRAMES = {
    0xC3: "a lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA), "a JPEG with arithmetic coding"),
    0xCB: "a lossless JPEG",
    0xF7: "a JPEG-LS",
}
# 16 by 16 pixels give fewer zeros, even if each of their coefficients takes three bits.
_HOLE = bytes(160)
_MEMORY = "memory"


def decode_jpeg(content: bytes, size: int, most_pixels: int) -> Pixels | None:
    """The pixels of a JPEG, not turned upright: uint8 `(H, W, 3)`, RGB; None if only Pillow can read it.

    The decoder must find all data and nothing else between them. Harmless oddities are repaired first.

    Args:
        content: The whole file.
        size: Both sides keep at least twice this many pixels, while the decoder halves the picture up to three times.
            Its other scales take more time than they save.
        most_pixels: A larger picture is not decoded.

    Raises:
        PictureError: data are damaged or missing, or the file is a kind of JPEG that cannot be decoded.
    """
    problem = ""
    for _ in range(1 + len(ODDITIES)):
        try:
            return _decoded(content, size, most_pixels)
        except ValueError as error:
            problem = str(error)
        before, content = content, repaired(content, problem)
        if content == before:
            break
    if _MEMORY in problem.lower():
        raise MemoryError(problem)
    reason = _reason(content, problem)
    if reason is None:
        return None
    raise PictureError(reason)


def sides_of(content: bytes) -> tuple[int, int] | None:
    """The width and height that a JPEG's header states, not turned upright; None if it has no frame."""
    for marker, start, _ in segments(content):
        if marker in FRAMES:
            height, width = struct.unpack(">HH", content[start + 5 : start + 9])
            return width, height
    return None


def _decoded(content: bytes, size: int, most_pixels: int) -> Pixels | None:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    if height * width > most_pixels:
        return None
    _require_sound_header(content)
    # The whole file is searched first, since finding the end mark takes longer.
    if has_lost_block(content, 0, len(content)) and has_lost_block(content, *scan_of(content)):
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
    # Nearly all CMYK files are from Adobe's programs, which invert the inks; Pillow takes all files for theirs.
    return pixels if space == "RGB" else np.asarray(Image.fromarray(~pixels, "CMYK").convert("RGB"))


def _require_sound_header(content: bytes) -> None:
    """Raises ValueError if the frame is a rare one, or if a quantization table holds a zero.

    The decoder would write a halved lossless JPEG beyond its memory. Zeros, which the standard forbids, are lost bytes.
    """
    frame = 0
    for marker, start, end in segments(content):
        if marker in FRAMES:
            frame = marker
        table = start + 4
        while marker == TABLES and table < end:
            wide = content[table] >> 4
            entries = content[table + 1 : table + 1 + (128 if wide else 64)]
            if 0 in (np.frombuffer(entries[: len(entries) // 2 * 2], ">u2") if wide else entries):
                raise ValueError("a table of its header is damaged")
            table += 1 + (128 if wide else 64)
    if not frame or frame in _RARE_FRAMES:
        raise ValueError("no frame that can be decoded")


def _has_hole(content: bytes) -> bool:
    """Whether the data of a sequential JPEG hold zeros that no picture gives.

    The shortest code of a table is all zeros. If it ends a block in all tables of the scan, an even area gives zeros.
    Otherwise it stands for a coefficient, and no block has the same coefficient 63 times.
    """
    shortest: dict[int, int] = {}
    samples, tables = b"", b""
    for marker, start, end in segments(content):
        if marker in FRAMES:
            samples = content[start + 9 : start + 10] if marker in _SEQUENTIAL else b""
        elif marker == CODES:
            shortest |= _shortest_codes(content[start + 4 : end])
        elif marker == START_OF_SCAN and content[start + 4 : start + 5] == samples:
            tables = content[start + 6 : end : 2][: sum(samples)]
    first, last = scan_of(content)
    # Zeros before the end mark may be padding, which the decoder reports.
    data = content[first:last].rstrip(b"\0\xff")
    return _HOLE in data and any(shortest.get(table & 15) for table in tables)


def _shortest_codes(segment: bytes) -> dict[int, int]:
    """The number of each Huffman table of coefficients -> the meaning of its shortest code; 0 ends a block."""
    shortest = {}
    while len(segment) > 17:
        if segment[0] >> 4:
            shortest[segment[0] & 15] = segment[17]
        segment = segment[17 + sum(segment[1:17]) :]
    return shortest


def _reason(content: bytes, problem: str) -> str | None:
    """Why a JPEG cannot be decoded, by its header or the decoder's message; None if nothing is wrong with it."""
    frame = next(((marker, start) for marker, start, _ in segments(content) if marker in FRAMES), None)
    if frame is None:
        return "damaged or truncated: its header is not that of a whole JPEG"
    marker, start = frame
    if marker in _RARE_FRAMES:
        return f"{_RARE_FRAMES[marker]}, which cannot be decoded; expected a baseline or progressive one"
    if (bits := content[start + 4]) != 8:
        return f"a JPEG of {bits} bits, which cannot be decoded; expected 8 bits"
    # Pillow reads an unusual ratio of brightness to colour samples, such as 3 to 1; this decoder does not.
    if "subsampling" in problem:
        return None
    return f"damaged or truncated: {problem.removeprefix('Corrupt JPEG data: ')}"
