"""Damage that decoders do not notice."""

# Disks and downloads lose whole blocks, whose sizes are multiples of this.
BLOCK = 512
_ZEROS = bytes(BLOCK)


def has_lost_block(content: bytes, start: int, end: int) -> bool:
    """Whether compressed data from `start` to `end` of a file hold zeros that begin and end where blocks of a disk do.

    Data of a picture may hold as many zeros by themselves, in a large even area, but rarely just there.
    """
    first = -(-start // BLOCK) * BLOCK
    # The first byte of a block excludes nearly all of them.
    for number, byte in enumerate(content[first:end:BLOCK]):
        place = first + number * BLOCK
        if byte == 0 and content.startswith(_ZEROS, place) and content[place - 1]:
            behind = end - len(content[place:end].lstrip(b"\0"))
            if behind % BLOCK == 0 and behind > place:
                return True
    return False
