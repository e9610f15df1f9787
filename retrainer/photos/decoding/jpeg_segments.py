"""The segments of a JPEG's header, and where its data lie."""

from collections.abc import Iterator

# Markers of the JPEG standard, ITU-T T.81, table B.1; 0xF7 is the frame of JPEG-LS, ITU-T T.87.
CODES, START_OF_SCAN, TABLES, APP0, APP1, APP14 = 0xC4, 0xDA, 0xDB, 0xE0, 0xE1, 0xEE
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_ALONE = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xDA)})
_END = b"\xff\xd9"
# The beginning of an APP1 segment of XMP, by part 3 of its specification.
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker, start and end of each segment of a JPEG's header; the last one is the start of the first scan.

    Bytes between segments belong to none of them.
    """
    offset = 2
    while 0 <= (offset := content.find(b"\xff", offset)) <= len(content) - 4:
        marker, length = content[offset + 1], int.from_bytes(content[offset + 2 : offset + 4], "big")
        if marker in _ALONE:
            offset += 1
            continue
        yield marker, offset, offset + 2 + length
        if marker == START_OF_SCAN or length < 2:
            return
        offset += 2 + length


def scan_of(content: bytes) -> tuple[int, int]:
    """The start and end of the data of a JPEG's first picture; they end at its end mark, or at the file's end."""
    start = next((end for marker, _, end in segments(content) if marker == START_OF_SCAN), len(content))
    end = content.find(_END, start)
    return start, len(content) if end < 0 else end


def may_be_turned(content: bytes) -> bool:
    """Whether a JPEG may state an orientation: False only if no segment before the picture is EXIF or XMP."""
    offset = 2
    while len(content) >= offset + 4 and content[offset] == 0xFF:
        marker, length = content[offset + 1], int.from_bytes(content[offset + 2 : offset + 4], "big")
        if marker == START_OF_SCAN:
            return False
        if length < 2 or (marker == APP1 and content.startswith((b"Exif\0", _XMP), offset + 4)):
            return True
        offset += 2 + length
    return True
