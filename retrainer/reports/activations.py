"""Which places of a photo speak for a class: class activation maps, exact for pooled features.

The logit of a class is the mean over all places of its weights times the maps before the pooling, plus a bias. So what
each place adds to the logit is known. Weights are taken relative to their mean over the classes, since only differences
of logits count. Zhou et al., Learning Deep Features for Discriminative Localization, 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.backbones.bundle import TFLITE, FeatureMap
from retrainer.errors import PictureError, RetrainerError
from retrainer.models.tflite.inner_maps import InnerMaps
from retrainer.photos.images import square, to_input
from retrainer.reports.left import Left
from retrainer.reports.photos import RunPhotos
from retrainer.reports.vectors import Vectors
from retrainer.system.parallel import in_order, usable_cores
from retrainer.training.head import Head

# The maps are not those of the features if their means differ by more than this share of the largest feature. int8 maps
# are coarse.
_DIFFERENCE = 0.1


@dataclass(frozen=True)
class Asked:
    """A photo, by its row, and the class that is explained."""

    row: int
    label_id: int


def activations(
    left: Left, photos: RunPhotos, vectors: Vectors, asked: Sequence[Asked], model_dir: str
) -> list[Floats | None]:
    """Returns how much each place of a photo speaks for a class, `(h, w)`, 0 to 1; None if it is not known.

    Args:
        left: The model.
        photos: All photos.
        vectors: Their cached vectors, which the maps must agree with.
        asked: The photos, and the class of each.
        model_dir: The folder of bundles, one of which names the maps.
    """
    maps = _maps_of(left, model_dir)
    head, size = left.head, left.metadata.input_size
    if head is None or not maps or not asked:
        return [None] * len(asked)

    def work(network: InnerMaps, one: Asked) -> Floats | None:
        try:
            picture = to_input(square(photos.read(photos.paths[one.row]), size))
        except PictureError:
            return None
        found = network.maps(picture)
        own = vectors.rows[one.row]
        if not _fit(found, maps) or (own >= 0 and not _agree(found, maps, vectors.matrix[own])):
            return None
        return speaking(found, maps, head, one.label_id)

    try:
        networks = [
            InnerMaps(left.content, [one.tensor for one in maps], left.graph)
            for _ in range(min(usable_cores(), len(asked)))
        ]
        return list(in_order(networks, work, asked))
    except RetrainerError:
        return [None] * len(asked)


def speaking(found: Sequence[Floats], maps: Sequence[FeatureMap], head: Head, label_id: int) -> Floats | None:
    """Returns how much each place speaks for a class, `(h, w)`, 0 to 1; None if none does.

    Places that speak against it have 0. With several maps the finer ones are averaged to the grid of the last.

    Args:
        found: The maps, each `(h, w, depth)`, float32.
        maps: What they are.
        head: Weights `(D, C)`; D is the sum of the depths.
        label_id: The class.
    """
    weights = head.weights[:, label_id] - head.weights.mean(axis=1)
    ends = np.cumsum([one.depth for one in maps])[:-1]
    places: Floats = np.zeros(found[-1].shape[:2], np.float32)
    for values, one, own in zip(found, maps, np.split(weights, ends), strict=True):
        places += averaged(values @ own, places.shape) * np.float32(one.factor)
    places.clip(0, out=places)
    highest = float(places.max())
    if highest <= 0:
        return None
    shares: Floats = places / np.float32(highest)
    return shares


def averaged(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Averages areas of a map `(H, W)`, so that it has another shape `(h, w)` and the same mean."""
    for axis, size in enumerate(shape):
        shares = _shares(values.shape[axis], size)
        values = shares @ values if axis == 0 else values @ shares.T
    return values


def _shares(before: int, after: int) -> Floats:
    """How much each of `before` places counts for each of `after` places, `(after, before)`; each row sums to 1."""
    edges = np.arange(after + 1) * before / after
    starts = np.arange(before)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    shares: Floats = (overlap.clip(0) * after / before).astype(np.float32)
    return shares


def _fit(found: Sequence[Floats], maps: Sequence[FeatureMap]) -> bool:
    """Whether tensors are maps of the stated depths."""
    return all(values.ndim == 3 and values.shape[2] == one.depth for values, one in zip(found, maps, strict=True))


def _agree(found: Sequence[Floats], maps: Sequence[FeatureMap], vector: Floats) -> bool:
    """Whether the means of maps are the features of a photo, `(D,)`."""
    means = np.concatenate([values.mean(axis=(0, 1)) * one.factor for values, one in zip(found, maps, strict=True)])
    return bool(np.abs(means - vector).max() <= _DIFFERENCE * max(float(np.abs(vector).max()), 1e-6))


def _maps_of(left: Left, model_dir: str) -> Sequence[FeatureMap]:
    """The maps whose means are the features of a model's backbone; none if they are not known."""
    backbone = left.metadata.backbone
    try:
        bundle = find_bundle(str(backbone.get("name", "")), model_dir)
    except RetrainerError:
        return ()
    if bundle.sha256[TFLITE] != backbone.get("sha256"):
        return ()
    if bundle.maps or not bundle.map_tensor:
        return bundle.maps
    return (FeatureMap(bundle.map_tensor, bundle.depth),)
