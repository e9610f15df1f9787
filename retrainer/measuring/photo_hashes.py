"""Hashes of photos as numbers, and in the base64 of a model's metadata."""

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrainer.arrays import HASH_BYTES, Digests, distinct

Hashes = npt.NDArray[np.uint64]
"""`HASH_BYTES` bytes of SHA-256 digests as numbers, `(N,)`."""

_DIGEST = 32


def digests_of(texts: Sequence[str]) -> Digests:
    """Digests `(n, 32)` of their hexadecimal texts; empty texts are left out."""
    content = b"".join(bytes.fromhex(text) for text in texts)
    return np.frombuffer(content, np.uint8).reshape(-1, _DIGEST)


def encoded(hashes: Hashes) -> str:
    """The different hashes in base64, the smallest first."""
    content = distinct(hashes).astype(">u8").view(np.uint8).reshape(-1, 8)[:, -HASH_BYTES:].tobytes()
    return base64.b64encode(content).decode("ascii")


def decoded(text: str) -> Hashes:
    """The hashes in what `encoded` gave."""
    return numbers(np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, HASH_BYTES))


def in_set(text: str) -> frozenset[bytes]:
    """The bytes of the hashes in what `encoded` gave."""
    content = base64.b64decode(text)
    return frozenset(content[start : start + HASH_BYTES] for start in range(0, len(content), HASH_BYTES))


def numbers(content: Digests) -> Hashes:
    """The numbers that bytes `(N, HASH_BYTES)` stand for, the highest byte first, `(N,)`."""
    padded = np.zeros((len(content), 8), np.uint8)
    padded[:, -HASH_BYTES:] = content
    return padded.view(">u8").reshape(-1).astype(np.uint64)
