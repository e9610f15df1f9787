"""Damage that decoders do not notice."""

# Disks and downloads lose whole blocks; their sizes are multiples of this many bytes.
BLOCK = 512
_ZEROS = bytes(BLOCK)


def has_lost_block(content: bytes, start: int, end: int) -> bool:
    """Whether compressed data from `start` to `end` of a file hold zeros that begin and end at a disk's blocks.

    A large even area of a picture may give as many zeros, but they rarely begin and end exactly there.
    """
    first = -(-start // BLOCK) * BLOCK
    # Nearly all blocks are ruled out by their first byte.
    for number, byte in enumerate(content[first:end:BLOCK]):
        offset = first + number * BLOCK
        if byte == 0 and content.startswith(_ZEROS, offset) and content[offset - 1]:
            behind = end - len(content[offset:end].lstrip(b"\0"))
            if behind % BLOCK == 0 and behind > offset:
                return True
    return False
