"""Which photos a model was trained and tested on, as it remembers it.

A photo's part follows from its bytes or its path, so that a few numbers stand for the parts of any number of photos;
only those that a class borrowed are named.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Digests
from retrainer.dataset import Dataset
from retrainer.options.retraining import RetrainOptions
from retrainer.splits import TRAINING, Parts, Split, content_places, natural_parts, path_place

# So many hashes of training photos are kept, and of each so many bytes: four of a hundred photos that come from the
# hundred thousand that a model learnt from are among them.
_SAMPLE, _HASH_BYTES = 4096, 5


@dataclass(frozen=True)
class Membership:
    """A split in few words.

    Attributes:
        image_dir: The folder of class folders, as typed.
        split_by, validation_percentage, testing_percentage, seed: The options that split it.
        moved: Hash of a photo's bytes or name -> its part, where that is not what the options say.
        trained: The smallest hashes of the training photos' bytes, a sample of what the model learnt from; base64.
    """

    image_dir: str
    split_by: str
    validation_percentage: int
    testing_percentage: int
    seed: int
    moved: Mapping[str, int] = field(default_factory=dict)
    trained: str = ""

    @classmethod
    def of(cls, dataset: Dataset, split: Split, options: RetrainOptions) -> "Membership":
        """What is to be remembered of a run's split."""
        hashes = np.sort(_hashes(dataset.digests[split.rows(TRAINING)]))
        training = hashes[np.diff(hashes, prepend=hashes[:1] - 1) != 0][:_SAMPLE]
        content = training.astype(">u8").view(np.uint8).reshape(-1, 8)[:, -_HASH_BYTES:].tobytes()
        plain = cls(
            options.image_dir,
            options.split_by,
            options.validation_percentage,
            options.testing_percentage,
            options.seed,
            trained=base64.b64encode(content).decode("ascii"),
        )
        if options.split_by == "path":
            return plain
        hashes, _ = content_places(dataset, options.seed)
        moved = np.flatnonzero(plain.parts(dataset) != split.parts)
        parts = {f"{hashes[row]:016x}": int(split.parts[row]) for row in moved}
        return cls(**{**asdict(plain), "moved": parts})

    @classmethod
    def from_metadata(cls, stated: Mapping[str, Any]) -> "Membership | None":
        """What a model's metadata states, None where it is silent or damaged."""
        try:
            membership = cls(**stated) if stated else None
            if membership:
                membership.learnt(np.zeros((1, 32), np.uint8))
                os.fspath(membership.image_dir)
                [int(name, 16) for name in membership.moved]
        except (TypeError, ValueError, AttributeError):
            return None
        return membership

    def to_metadata(self) -> dict[str, Any]:
        """What `from_metadata` reads."""
        return asdict(self)

    def parts(self, dataset: Dataset) -> Parts:
        """The parts of photos, `(N,)`; by path, where these begin with `image_dir`."""
        percentages = self.validation_percentage, self.testing_percentage
        if self.split_by == "path":
            return natural_parts(np.array([path_place(path) for path in dataset.paths]), *percentages)
        hashes, places = content_places(dataset, self.seed)
        parts = natural_parts(places, *percentages)
        for name, part in self.moved.items():
            parts[hashes == np.uint64(int(name, 16))] = part
        return parts

    def learnt(self, digests: Digests) -> tuple[float, float]:
        """How photos of these digests `(N, 32)` and those that trained the model overlap.

        Returns:
            The share of the training photos that is among them, and about the share of them that trained; 0 to 1.
        """
        content = np.frombuffer(base64.b64decode(self.trained), np.uint8).reshape(-1, _HASH_BYTES)
        trained, hashes = _hashes(content), _hashes(digests)
        if not len(trained) or not len(hashes):
            return 0.0, 0.0
        # Of photos beyond the sample's largest hash it says nothing, unless it holds all.
        sampled = hashes[hashes <= trained.max()] if len(trained) == _SAMPLE else hashes
        known = np.isin(sampled, trained)
        return float(np.isin(trained, hashes).mean()), float(known.mean()) if len(sampled) else 0.0


def _hashes(digests: Digests) -> npt.NDArray[np.uint64]:
    """The first bytes of digests, or of what is kept of them, as numbers, `(N,)`."""
    padded = np.zeros((len(digests), 8), np.uint8)
    padded[:, -_HASH_BYTES:] = digests[:, :_HASH_BYTES]
    return padded.view(">u8").reshape(-1).astype(np.uint64)
