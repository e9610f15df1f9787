"""One photo at a time, by a recipe: what every engine does in a thread, a process or on a machine of its own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Floats
from retrainer.bottlenecks.recipe import PhotoResult, Recipe
from retrainer.errors import PictureError
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.litert import Network
from retrainer.photos.copies.fingerprints import fingerprint
from retrainer.photos.images import decode, to_input
from retrainer.photos.looks import look_of
from retrainer.photos.photo import Photo, content_of
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.models.graph.tensorflow_graph import GraphNetwork


@dataclass(frozen=True, eq=False)
class ReadPhoto:
    """A photo that was read, and perhaps has to go through the network.

    Attributes:
        result: The result so far, without vectors.
        inputs: The network's inputs `(S, S, 3)`, one for each view; none if no vectors are wanted.
    """

    result: PhotoResult
    inputs: Sequence[Floats] = ()

    def with_vectors(self, vectors: Floats) -> PhotoResult:
        """The result with the vectors of the inputs `(V, D)`."""
        return replace(self.result, vectors=vectors)


class PhotoWorker:
    """Turns photos into results with a network of its own; for one thread at a time.

    Args:
        recipe: What to compute.

    Raises:
        ModelError: LiteRT cannot open the network.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._network = recipe, Network(recipe.tflite)

    def __call__(self, photo: str | Photo) -> PhotoResult:
        """The result for a photo: the path of a file, or one that is no file."""
        read = read_photo(self._recipe, photo)
        if not read.inputs:
            return read.result
        return read.with_vectors(np.stack([self._network.run(one) for one in read.inputs]))


def read_photo(recipe: Recipe, photo: str | Photo) -> ReadPhoto:
    """Reads and hashes a photo, and decodes it if its vectors or its fingerprint are wanted."""
    try:
        content = content_of(photo)
        digest = hashlib.sha256(content).digest()
        if recipe.is_complete(digest):
            return ReadPhoto(PhotoResult(digest))
        if recipe.distortion:
            return ReadPhoto(PhotoResult(digest), recipe.distortion.inputs(content, recipe.input_size))
        picture = decode(content, recipe.input_size)
        inputs = [] if recipe.has_vectors(digest) else [to_input(picture.square(recipe.input_size))]
        taken = fingerprint(picture) if recipe.wants_fingerprint(digest) else None
        look = look_of(content, picture) if recipe.wants_look(digest) else None
        return ReadPhoto(PhotoResult(digest, None, taken, look), inputs)
    except PictureError as error:
        return ReadPhoto(PhotoResult(problem=error.problem))


def graph_network(recipe: Recipe) -> "GraphNetwork | None":
    """The network in TensorFlow if the recipe asks for it or TensorFlow sees a GPU, otherwise None.

    Raises:
        ModelError: the graph cannot be read or run, or may not be trusted.
    """
    if recipe.graph is None or recipe.runtime == "litert":
        return None
    from retrainer.models.graph import graphdef
    from retrainer.models.graph.operations import require_harmless
    from retrainer.models.graph.tensorflow_graph import GraphNetwork, sees_gpu

    if recipe.runtime == "auto" and not sees_gpu():
        return None
    path = recipe.graph.path
    graph = graphdef.read_graph(path)
    if not recipe.graph.trusted:
        require_harmless(graph, path)
    return GraphNetwork(graph, shown(path), INPUT_NODE, recipe.graph.feature_node)
