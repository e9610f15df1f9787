"""Sets of SHA-256 digests as sorted bytes: plain values that pickle, and small for millions of photos."""

from bisect import bisect_left

import numpy as np

from retrainer.arrays import Digests

DIGEST_BYTES = 32


def sorted_digests(digests: Digests | bytes) -> bytes:
    """Digests `(n, 32)`, or their bytes one after the other, as sorted bytes."""
    content = digests if isinstance(digests, bytes) else digests.tobytes()
    return np.sort(np.frombuffer(content, f"S{DIGEST_BYTES}")).tobytes()


def contains(digests: bytes, digest: bytes) -> bool:
    """Whether a digest of 32 bytes is among sorted digests."""
    count = len(digests) // DIGEST_BYTES
    row = bisect_left(range(count), digest, key=lambda row: _digest_in(digests, row))
    return row < count and _digest_in(digests, row) == digest


def _digest_in(digests: bytes, row: int) -> bytes:
    return digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]
