"""Which photos a model was trained and tested on, as it remembers it.

A photo's part follows from its bytes or its path, so that a few numbers stand for the parts of any number of photos;
only those that a class borrowed are named.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from retrainer.arrays import Digests
from retrainer.dataset import Dataset
from retrainer.options.retraining import RetrainOptions
from retrainer.splits import TRAINING, Parts, Split, content_places, natural_parts, path_place

# Of a folder that shares a tenth of a thousand training photos, these are sure to tell.
_SAMPLE = 256


@dataclass(frozen=True)
class Membership:
    """A split in few words.

    Attributes:
        image_dir: The folder of class folders, as typed.
        split_by, validation_percentage, testing_percentage, seed: The options that split it.
        moved: Hash of a photo's bytes or name -> its part, where that is not what the options say.
        trained: The smallest hashes of the training photos' bytes: a sample of what the model learnt from.
    """

    image_dir: str
    split_by: str
    validation_percentage: int
    testing_percentage: int
    seed: int
    moved: Mapping[str, int] = field(default_factory=dict)
    trained: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, split: Split, options: RetrainOptions) -> "Membership":
        """What is to be remembered of a run's split."""
        training = np.unique(_hashes(dataset.digests[split.rows(TRAINING)]))[:_SAMPLE]
        plain = cls(
            options.image_dir,
            options.split_by,
            options.validation_percentage,
            options.testing_percentage,
            options.seed,
            trained=tuple(f"{number:016x}" for number in training.tolist()),
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
            return cls(**{**stated, "trained": tuple(stated["trained"])}) if stated else None
        except (TypeError, KeyError):
            return None

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

    def learnt(self, digests: Digests) -> float:
        """The share of what the model learnt from that is among photos of these digests `(N, 32)`, 0 to 1."""
        trained = np.array([int(name, 16) for name in self.trained], np.uint64)
        return float(np.isin(trained, _hashes(digests)).mean()) if len(trained) else 0.0


def _hashes(digests: Digests) -> Any:
    return np.ascontiguousarray(digests[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
