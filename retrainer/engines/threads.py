"""The default engine: one thread and one network per core, or TensorFlow with large batches."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Floats
from retrainer.bottlenecks.recipe import PhotoResult, Recipe
from retrainer.photos.photo import Photo
from retrainer.system.parallel import in_order, usable_cores

if TYPE_CHECKING:
    from retrainer.engines.photo_worker import ReadPhoto
    from retrainer.models.graph.tensorflow_graph import GraphNetwork

# Inputs that TensorFlow takes at once: enough to keep a GPU busy, and 150 MB of 224 by 224 pixels.
BATCH = 256


def threads(photos: Iterable[str | Photo], recipe: Recipe) -> Iterator[PhotoResult]:
    """Yields the result for each photo, in order; computes on all cores of this machine.

    Args:
        photos: Paths of files, and photos that are no files. They are taken as they are needed.
        recipe: What to compute.
    """
    # The decoders take longer to import than a run whose photos are all cached.
    from retrainer.engines.photo_worker import PhotoWorker, graph_network, read_photo

    waiting = iter(photos)
    first = list(islice(waiting, usable_cores()))
    if not first:
        return iter(())
    waiting, cores, graph = chain(first, waiting), len(first), graph_network(recipe)
    if graph is None:
        return in_order([PhotoWorker(recipe) for _ in range(cores)], operator.call, waiting)
    window = max(BATCH // len(recipe.views), 1)
    return _in_batches(in_order([recipe] * cores, read_photo, waiting, window), graph)


def _in_batches(photos: Iterator["ReadPhoto"], graph: "GraphNetwork") -> Iterator[PhotoResult]:
    """Runs the network on the inputs of many photos at once; the photos keep their order."""
    waiting: list[ReadPhoto] = []
    inputs: list[Floats] = []
    for photo in photos:
        waiting.append(photo)
        inputs += photo.inputs
        if len(inputs) >= BATCH:
            yield from _results(waiting, graph.run_all(np.stack(inputs)))
            waiting, inputs = [], []
    yield from _results(waiting, graph.run_all(np.stack(inputs)) if inputs else np.empty((0, 0), np.float32))


def _results(photos: Sequence["ReadPhoto"], vectors: Floats) -> Iterator[PhotoResult]:
    """The results of a batch; the vectors `(N, D)` are those of all its inputs."""
    start = 0
    for photo in photos:
        end = start + len(photo.inputs)
        yield photo.with_vectors(vectors[start:end]) if photo.inputs else photo.result
        start = end
