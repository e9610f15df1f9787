"""The split that a model remembers: which photos it was trained, validated and tested on.

It keeps a hash of each photo's bytes for each part. So it recognises a photo in any folder and by any name. It keeps at
most `_KEPT` hashes; the parts of further photos follow from their bytes or paths.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from retrainer.arrays import HASH_BYTES, Bools, Digests, Integers, distinct, is_among
from retrainer.measuring.photo_hashes import Hashes, decoded, digests_of, encoded, in_set, numbers
from retrainer.options.split import FOLDERS, SplitOptions
from retrainer.photos.clean_list.honoured import Honoured
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part, Parts
from retrainer.photos.positions import content_positions, path_position
from retrainer.photos.splits import Split, given_or_drawn, natural_parts

# At most this many hashes are kept: 667 KB in base64. Of ten million photos that are new to a model, at most one has a
# hash that is kept.
_KEPT = 100_000
# The bytes of a digest that are kept. The first eight are not, because they give a photo's position in the split.
_HASHED = slice(8, 8 + HASH_BYTES)
# Earlier versions kept this many hashes of training photos only, of these bytes.
_KEPT_EARLIER, _HASHED_EARLIER = 4096, slice(0, HASH_BYTES)
# Values in place of a part: the photo was not in the split; its bytes were in two parts, test and another, as copies
# may be in a split by path; its hash is beyond those that are kept.
NEW, AMBIGUOUS, UNKNOWN = -1, -2, -3


@dataclass(frozen=True)
class RememberedSplit:
    """A split, in a form that fits into a model's metadata.

    Attributes:
        image_dir: The folder or table of photos, as typed.
        split_by, validation_percentage, testing_percentage, seed: The options that split it.
        moved: Hash of a photo's bytes or name -> its part, if that differs from the rule of a split by content; at most
            `_KEPT`, the smallest hashes.
        trained, validated, tested: The hashes of the photos' bytes of each part, in base64; at most `_KEPT` in all, the
            smallest. The last two are None in models of earlier versions.
        label_from: The pattern that found the classes in the photos' names; empty if folders told them.
        set_aside: The hashes of photos that a list of decisions set aside, in base64; at most `_KEPT`.
        relabelled: A label -> the hashes of photos that a list of decisions gave it, in base64.
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
    label_from: str = ""
    set_aside: str = ""
    relabelled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, dataset: Dataset, split: Split, options: SplitOptions, honoured: Honoured | None = None
    ) -> "RememberedSplit":
        """Returns the split of a run in the form to remember, with the decisions that changed its photos."""
        set_aside, relabelled = _decisions(dataset, honoured)
        hashes = numbers(dataset.digests[:, _HASHED])
        smallest = distinct(hashes)[:_KEPT]
        kept = is_among(hashes, smallest)
        trained, validated, tested = (encoded(hashes[kept & (split.parts == part)]) for part in Part)
        plain = cls(
            str(options.image_dir),
            options.split_by,
            options.validation_percentage,
            options.testing_percentage,
            options.seed,
            trained=trained,
            validated=validated,
            tested=tested,
            label_from=options.label_from,
            set_aside=set_aside,
            relabelled=relabelled,
        )
        if options.split_by != "content":
            return plain
        # A reader knows the photos by their bytes and names, but not which of them are copies.
        dataset = replace(dataset, groups=None)
        hashes, _ = content_positions(dataset, options.seed)
        moved = np.flatnonzero(plain.parts(dataset) != split.parts)
        parts = {f"{hashes[row]:016x}": int(split.parts[row]) for row in moved}
        return cls(**{**asdict(plain), "moved": dict(sorted(parts.items())[:_KEPT])})

    @classmethod
    def from_metadata(cls, stated: Mapping[str, Any]) -> "RememberedSplit | None":
        """Returns the split of a model's metadata, which is checked already; None if the model remembers none."""
        return cls(**stated) if stated else None

    def to_metadata(self) -> dict[str, Any]:
        """Returns the form that `from_metadata` reads; earlier versions read it if there are no decisions."""
        stated = asdict(self)
        return {name: value for name, value in stated.items() if value or name not in ("set_aside", "relabelled")}

    def parts(self, dataset: Dataset) -> Parts:
        """Returns the parts of photos by the rule of the split, `(N,)`; Part.TRAINING if in doubt.

        In a split by path, paths must begin with `image_dir`. In a split by folders, all photos are in doubt unless
        the dataset has given parts.
        """
        percentages = self.validation_percentage, self.testing_percentage
        if self.split_by == "path":
            return natural_parts(np.array([path_position(path) for path in dataset.paths]), *percentages)
        hashes, positions = content_positions(dataset, self.seed)
        parts = natural_parts(positions, *percentages)
        if self.split_by == FOLDERS:
            nothing = np.full(len(parts), Part.TRAINING, np.int8)
            return nothing if dataset.given is None else given_or_drawn(dataset.given, parts)
        if self.moved:
            names = np.array([int(name, 16) for name in self.moved], np.uint64)
            order = np.argsort(names)
            nearest = order[np.searchsorted(names, hashes, sorter=order).clip(max=len(names) - 1)]
            known = names[nearest] == hashes
            parts[known] = np.array(list(self.moved.values()), np.int8)[nearest[known]]
            if len(self.moved) == _KEPT:
                # Any photo beyond these may have been moved; a photo that may have trained counts as if it had.
                parts[hashes > names.max()] = Part.TRAINING
        return parts

    def known_parts(self, digests: Digests) -> Parts:
        """Returns the parts of photos by their digests `(N, 32)`, or NEW, AMBIGUOUS or UNKNOWN, `(N,)`."""
        hashes = self._hashes(digests)
        trained, validated, tested = (is_among(hashes, kept) for kept in self._hashes_of_parts)
        parts = np.full(len(hashes), NEW, np.int8)
        parts[tested], parts[validated], parts[trained] = Part.TESTING, Part.VALIDATION, Part.TRAINING
        parts[tested & (trained | validated)] = AMBIGUOUS
        if self.tested is None:
            parts[~trained] = UNKNOWN
        elif self.is_sample:
            # Photos beyond the sample's largest hash are unknown.
            parts[hashes > np.concatenate(self._hashes_of_parts).max()] = UNKNOWN
        return parts

    def was_seen(self, digest: bytes) -> bool:
        """Whether the model certainly learnt from the photo of a SHA-256 digest, or was chosen by it."""
        return digest[_HASHED_EARLIER if self.tested is None else _HASHED] in self._seen

    def learnt(self, digests: Digests) -> tuple[float, float]:
        """Measures how photos of some digests `(N, 32)` and those that trained the model overlap.

        Returns:
            The share of the training photos that is among them, and the approximate share of them that trained; 0 to 1.
        """
        trained, hashes = self._hashes_of_parts[Part.TRAINING], self._hashes(digests)
        if not len(trained) or not len(hashes):
            return 0.0, 0.0
        # If only a sample is kept, photos beyond its largest hash are unknown.
        sampled = hashes[hashes <= trained.max()] if self.is_sample else hashes
        known = is_among(sampled, trained)
        return float(is_among(trained, hashes).mean()), float(known.mean()) if len(sampled) else 0.0

    @cached_property
    def _hashes_of_parts(self) -> tuple[Hashes, Hashes, Hashes]:
        """The hashes of training, validation and test photos."""
        trained, validated, tested = map(decoded, (self.trained, self.validated or "", self.tested or ""))
        return trained, validated, tested

    @cached_property
    def _seen(self) -> frozenset[bytes]:
        """The hashes of training and validation photos, without those that test photos share."""
        trained, validated, tested = map(in_set, (self.trained, self.validated or "", self.tested or ""))
        return (trained | validated) - tested

    @property
    def has_decisions(self) -> bool:
        """Whether a list of decisions changed the photos that the model learnt from."""
        return bool(self.set_aside or self.relabelled)

    def was_set_aside(self, digests: Digests) -> Bools:
        """Whether each photo was set aside by a decision, by digests `(N, 32)`, `(N,)`."""
        return is_among(numbers(digests[:, _HASHED]), decoded(self.set_aside))

    def decided(self, label_ids: Integers, digests: Digests, labels: Sequence[str]) -> Integers:
        """Returns class ids as decisions change them.

        Args:
            label_ids: The class ids of N photos, `(N,)`, -1 for those that are left out.
            digests: SHA-256 of their bytes, `(N, 32)`; zero if unknown.
            labels: The model's labels.

        Returns:
            The class ids after the decisions, -1 for photos that were set aside, `(N,)`.
        """
        hashes = numbers(digests[:, _HASHED])
        decided = label_ids.copy()
        for label, kept in self.relabelled.items():
            if label in labels:
                decided[(label_ids >= 0) & is_among(hashes, decoded(kept))] = labels.index(label)
        decided[self.was_set_aside(digests)] = -1
        return decided

    @property
    def is_sample(self) -> bool:
        """Whether there were more photos than the hashes that are kept."""
        kept = distinct(np.concatenate(self._hashes_of_parts))
        return len(kept) >= (_KEPT_EARLIER if self.tested is None else _KEPT)

    def gone(self, digests: Digests) -> tuple[int, int]:
        """How many of the kept hashes are of no photo with one of some digests `(N, 32)`, and how many are kept."""
        kept = distinct(np.concatenate(self._hashes_of_parts))
        return int((~is_among(kept, self._hashes(digests))).sum()), len(kept)

    @property
    def knows_all_parts(self) -> bool:
        """Whether hashes of photos of all parts are kept; models of earlier versions keep those of training photos."""
        return self.tested is not None

    def _hashes(self, digests: Digests) -> Hashes:
        return numbers(digests[:, _HASHED_EARLIER if self.tested is None else _HASHED])


def _decisions(dataset: Dataset, honoured: Honoured | None) -> tuple[str, dict[str, str]]:
    """The hashes of set-aside photos, and those of relabelled ones by label, as far as bytes alone tell them."""
    if honoured is None:
        return "", {}
    hashes = numbers(dataset.digests[:, _HASHED])
    aside = distinct(_hashes_of(honoured.set_aside))
    # If a photo has a copy that was kept, both get its label.
    copied = is_among(aside, hashes)
    texts = [text for of_label in honoured.relabelled.values() for text in of_label]
    decided = distinct(np.concatenate([_hashes_of(texts), aside[copied]]))[:_KEPT]
    order = np.lexsort((dataset.label_ids, hashes))
    label_ids = dataset.label_ids[order]
    starts, ends = (np.searchsorted(hashes[order], decided, side) for side in ("left", "right"))
    there = ends > starts
    first, last = label_ids[starts[there]], label_ids[ends[there] - 1]
    # Copies of one photo may have different classes.
    decided, label_of = decided[there][first == last], first[first == last]
    relabelled = {dataset.labels[one]: encoded(decided[label_of == one]) for one in distinct(label_of).tolist()}
    return encoded(aside[~copied][:_KEPT]), relabelled


def _hashes_of(texts: Sequence[str]) -> Hashes:
    """The hashes of SHA-256 digests in hexadecimal, without empty texts."""
    return numbers(digests_of(texts)[:, _HASHED])
