"""Repairs harmless oddities of JPEGs, which some cameras write and a strict decoder refuses."""

import re
from collections.abc import Callable

from retrainer.photos.decoding.jpeg_segments import APP0, APP14, START_OF_SCAN, scan_of, segments

# More bytes than this before the end mark are data of the picture, unless all are 0 or 0xFF.
_MOST_STRAY_BYTES = 4
# 64 zeros in a picture's data mean a lost page, after which the decoder may find only a few bytes too many.
_ZEROED = bytes(64)


def repaired(content: bytes, problem: str) -> bytes:
    """A JPEG without the oddity that the decoder complains about; unchanged if the problem is no oddity."""
    for pattern, repair in ODDITIES.items():
        if match := pattern.search(problem):
            return repair(content, match)
    return content


def _with_segments(content: bytes, changed: Callable[[int, bytes], bytes]) -> bytes:
    """A JPEG with changed segments in its header, and without the bytes between them."""
    pieces, end = [content[:2]], len(content)
    for marker, start, end in segments(content):
        pieces.append(changed(marker, content[start:end]))
    return b"".join([*pieces, content[end:]])


def _known_revision(marker: int, segment: bytes) -> bytes:
    return segment[:9] + b"\1" + segment[10:] if marker == APP0 else segment


def _known_transform(marker: int, segment: bytes) -> bytes:
    return segment[:15] + b"\1" + segment[16:] if marker == APP14 else segment


def _whole_spectrum(marker: int, segment: bytes) -> bytes:
    return segment[:-3] + b"\0\x3f\0" if marker == START_OF_SCAN else segment


def _without_stray_bytes(content: bytes, count: int) -> bytes:
    """A JPEG without the `count` bytes before its end mark; unchanged if they may be data of the picture."""
    scan, end = scan_of(content)
    stray = content[end - count : end]
    padding = not stray.strip(b"\0\xff")
    few = len(stray) <= _MOST_STRAY_BYTES
    data = content[scan : end - count]
    zeroed = data.endswith(_ZEROED) if padding else _ZEROED in data
    if not (padding or few) or zeroed:
        return content
    return content[: end - count] + content[end:]


ODDITIES: dict[re.Pattern[str], Callable[[bytes, re.Match[str]], bytes]] = {
    re.compile(r"(\d+) extraneous bytes before marker 0xd9"): lambda c, m: _without_stray_bytes(c, int(m[1])),
    re.compile("extraneous bytes before marker"): lambda c, _: _with_segments(c, lambda _, segment: segment),
    re.compile("unknown JFIF revision"): lambda c, _: _with_segments(c, _known_revision),
    re.compile("Unknown Adobe color transform"): lambda c, _: _with_segments(c, _known_transform),
    re.compile("Invalid SOS parameters"): lambda c, _: _with_segments(c, _whole_spectrum),
}
"""The decoder's message about an oddity (jerror.h of libjpeg-turbo) -> its repair."""
