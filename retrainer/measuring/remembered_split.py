"""Which photos a model was trained and tested on, as it remembers it.

It keeps a hash of each photo's bytes for each part, and so knows the photos again wherever they lie and whatever they
are called. Of more photos than it keeps it knows a sample; the others' parts follow from their bytes or paths.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import HASH_BYTES, Digests
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import Part, Parts, Split, content_positions, natural_parts, path_position

Hashes = npt.NDArray[np.uint64]
"""Some bytes of SHA-256 digests as numbers, `(N,)`."""

# At most so many hashes are kept, and of each HASH_BYTES: 667 KB in base64. Of ten million photos that are new to a
# model at most one has a hash that is kept.
_KEPT = 100_000
# Which bytes of a digest: not the first eight, which decide a photo's position in the split.
_HASHED = slice(8, 8 + HASH_BYTES)
# Earlier versions kept so many of training photos, and none of others, by these bytes.
_KEPT_EARLIER, _HASHED_EARLIER = 4096, slice(0, HASH_BYTES)
# What is known of a photo that has no part: it was not there; its bytes had two parts, test and another, as those of
# copies may in a split by path; or its hash is beyond those that are kept.
NEW, AMBIGUOUS, UNKNOWN = -1, -2, -3


@dataclass(frozen=True)
class RememberedSplit:
    """A split in few words.

    Attributes:
        image_dir: The folder of class folders, as typed.
        split_by, validation_percentage, testing_percentage, seed: The options that split it.
        moved: Hash of a photo's bytes or name -> its part, where that is not what the options say; of more than `_KEPT`
            the smallest hashes.
        trained, validated, tested: The hashes of the photos' bytes of each part, in base64; of more than `_KEPT` photos
            the smallest hashes. Earlier versions have None of the last two.
    """

    image_dir: str
    split_by: str
    validation_percentage: int
    testing_percentage: int
    seed: int
    moved: Mapping[str, int] = field(default_factory=dict)
    trained: str = ""
    validated: str | None = None
    tested: str | None = None

    @classmethod
    def of(cls, dataset: Dataset, split: Split, options: SplitOptions) -> "RememberedSplit":
        """What is to be remembered of a run's split."""
        hashes = _numbers(dataset.digests[:, _HASHED])
        smallest = np.unique(hashes)[:_KEPT]
        kept = np.isin(hashes, smallest)
        trained, validated, tested = (_encoded(hashes[kept & (split.parts == part)]) for part in Part)
        plain = cls(
            options.image_dir,
            options.split_by,
            options.validation_percentage,
            options.testing_percentage,
            options.seed,
            trained=trained,
            validated=validated,
            tested=tested,
        )
        if options.split_by == "path":
            return plain
        # Whoever reads this knows the photos by their bytes and names, not which of them are copies.
        dataset = replace(dataset, groups=None)
        hashes, _ = content_positions(dataset, options.seed)
        moved = np.flatnonzero(plain.parts(dataset) != split.parts)
        parts = {f"{hashes[row]:016x}": int(split.parts[row]) for row in moved}
        return cls(**{**asdict(plain), "moved": dict(sorted(parts.items())[:_KEPT])})

    @classmethod
    def from_metadata(cls, stated: Mapping[str, Any]) -> "RememberedSplit | None":
        """What a model's metadata states, as it was held against its schema; None if it is silent."""
        return cls(**stated) if stated else None

    def to_metadata(self) -> dict[str, Any]:
        """What `from_metadata` reads."""
        return asdict(self)

    def parts(self, dataset: Dataset) -> Parts:
        """The parts of photos, `(N,)`; by path, if these begin with `image_dir`; Part.TRAINING of those in doubt."""
        percentages = self.validation_percentage, self.testing_percentage
        if self.split_by == "path":
            return natural_parts(np.array([path_position(path) for path in dataset.paths]), *percentages)
        hashes, positions = content_positions(dataset, self.seed)
        parts = natural_parts(positions, *percentages)
        if self.moved:
            names = np.array([int(name, 16) for name in self.moved], np.uint64)
            order = np.argsort(names)
            places = order[np.searchsorted(names, hashes, sorter=order).clip(max=len(names) - 1)]
            known = names[places] == hashes
            parts[known] = np.array(list(self.moved.values()), np.int8)[places[known]]
            if len(self.moved) == _KEPT:
                # Any photo beyond may have been moved: what may have trained counts as if it had.
                parts[hashes > names.max()] = Part.TRAINING
        return parts

    def known_parts(self, digests: Digests) -> Parts:
        """The parts that photos of these digests `(N, 32)` had, or NEW, AMBIGUOUS or UNKNOWN, `(N,)`."""
        hashes = self._hashes(digests)
        trained, validated, tested = (np.isin(hashes, kept) for kept in self._hashes_of_parts)
        parts = np.full(len(hashes), NEW, np.int8)
        parts[tested], parts[validated], parts[trained] = Part.TESTING, Part.VALIDATION, Part.TRAINING
        parts[tested & (trained | validated)] = AMBIGUOUS
        if self.tested is None:
            parts[~trained] = UNKNOWN
        elif self._is_sample:
            # Of photos beyond the sample's largest hash it says nothing.
            parts[hashes > np.concatenate(self._hashes_of_parts).max()] = UNKNOWN
        return parts

    def was_seen(self, digest: bytes) -> bool:
        """Whether the model certainly learnt from the photo of a SHA-256 digest, or was chosen by it."""
        return digest[_HASHED_EARLIER if self.tested is None else _HASHED] in self._seen

    def learnt(self, digests: Digests) -> tuple[float, float]:
        """How photos of these digests `(N, 32)` and those that trained the model overlap.

        Returns:
            The share of the training photos that is among them, and about the share of them that trained; 0 to 1.
        """
        trained, hashes = self._hashes_of_parts[Part.TRAINING], self._hashes(digests)
        if not len(trained) or not len(hashes):
            return 0.0, 0.0
        # Of photos beyond the sample's largest hash it says nothing, unless it holds all.
        sampled = hashes[hashes <= trained.max()] if self._is_sample else hashes
        known = np.isin(sampled, trained)
        return float(np.isin(trained, hashes).mean()), float(known.mean()) if len(sampled) else 0.0

    @cached_property
    def _hashes_of_parts(self) -> tuple[Hashes, Hashes, Hashes]:
        """The hashes that are kept of training, validation and test photos."""
        trained, validated, tested = map(_decoded, (self.trained, self.validated or "", self.tested or ""))
        return trained, validated, tested

    @cached_property
    def _seen(self) -> frozenset[bytes]:
        """The hashes of training and validation photos, without those that test photos share."""
        trained, validated, tested = map(_split, (self.trained, self.validated or "", self.tested or ""))
        return (trained | validated) - tested

    def _hashes(self, digests: Digests) -> Hashes:
        return _numbers(digests[:, _HASHED_EARLIER if self.tested is None else _HASHED])

    @property
    def _is_sample(self) -> bool:
        """Whether there were more photos than hashes are kept."""
        kept = np.unique(np.concatenate(self._hashes_of_parts))
        return len(kept) >= (_KEPT_EARLIER if self.tested is None else _KEPT)


def _encoded(hashes: Hashes) -> str:
    content = np.unique(hashes).astype(">u8").view(np.uint8).reshape(-1, 8)[:, -HASH_BYTES:].tobytes()
    return base64.b64encode(content).decode("ascii")


def _decoded(text: str) -> Hashes:
    return _numbers(np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, HASH_BYTES))


def _split(text: str) -> frozenset[bytes]:
    content = base64.b64decode(text)
    return frozenset(content[start : start + HASH_BYTES] for start in range(0, len(content), HASH_BYTES))


def _numbers(content: Digests) -> Hashes:
    """Numbers of bytes `(N, HASH_BYTES)`, the highest first, `(N,)`."""
    padded = np.zeros((len(content), 8), np.uint8)
    padded[:, -HASH_BYTES:] = content
    return padded.view(">u8").reshape(-1).astype(np.uint64)
