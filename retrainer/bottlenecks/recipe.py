"""The recipe that an engine follows, and its results: plain values that pickle, for processes or a cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retrainer.arrays import Floats
from retrainer.bottlenecks.digests import contains
from retrainer.photos.copies.fingerprints import Fingerprints
from retrainer.photos.distortions import Distortion
from retrainer.photos.looks import Look


@dataclass(frozen=True, kw_only=True)
class GraphRecipe:
    """The network as a graph for TensorFlow.

    Attributes:
        path: The GraphDef's file.
        feature_node: The node that gives the features.
        trusted: Whether TensorFlow may run operations that a network of pictures does not need.
    """

    path: str
    feature_node: str
    trusted: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to turn a photo's file into feature vectors.

    Attributes:
        tflite: The path of the network for LiteRT.
        input_size: S, pixels; the network's input is `(S, S, 3)`.
        distortion: How the views of a photo differ from it; None for the photo itself.
        fingerprints: Whether to take fingerprints, too; only without a distortion.
        looks: Whether to measure the looks of photos, if they are decoded anyway; only without a distortion.
        runtime: `litert`, `tensorflow`, or `auto`: TensorFlow if it sees a GPU.
        graph: The network for TensorFlow; None if only LiteRT can run it.
        with_vectors: The contents whose vectors are cached: SHA-256 digests, sorted, 32 bytes each.
        with_fingerprints, with_looks: The contents whose fingerprints and looks are cached, likewise.
    """

    tflite: str
    input_size: int
    distortion: Distortion | None = None
    fingerprints: bool = False
    looks: bool = False
    runtime: str = "litert"
    graph: GraphRecipe | None = None
    with_vectors: bytes = b""
    with_fingerprints: bytes = b""
    with_looks: bytes = b""

    @property
    def views(self) -> tuple[int, ...]:
        """The numbers of a photo's views; 0 is the photo itself."""
        return tuple(range(self.distortion.count if self.distortion else 1))

    def has_vectors(self, digest: bytes) -> bool:
        """Whether the vectors of a content are cached."""
        return contains(self.with_vectors, digest)

    def wants_fingerprint(self, digest: bytes) -> bool:
        """Whether the fingerprint of a content is wanted and not cached."""
        return self.fingerprints and not contains(self.with_fingerprints, digest)

    def wants_look(self, digest: bytes) -> bool:
        """Whether a content is to be measured if it is decoded anyway."""
        return self.looks and not contains(self.with_looks, digest)

    def is_complete(self, digest: bytes) -> bool:
        """Whether all that is wanted of a content is cached."""
        return self.has_vectors(digest) and not self.wants_fingerprint(digest)


@dataclass(frozen=True, eq=False)
class PhotoResult:
    """The result of an engine for one file.

    Attributes:
        digest: SHA-256 of the file's bytes, 32 bytes; empty if the file cannot be read.
        vectors: float32 `(V, D)`, one for each view; None if they were cached or there is a problem.
        fingerprint: uint8 `(FINGERPRINT_BYTES,)`; None if it was not taken.
        look: What was measured of the picture; None if nothing was.
        problem: Why the file is no photo that can be used; empty if it is one.
    """

    digest: bytes = b""
    vectors: Floats | None = None
    fingerprint: Fingerprints | None = None
    look: Look | None = None
    problem: str = ""


Engine = Callable[[Sequence[str], Recipe], Iterator[PhotoResult]]
"""Takes the absolute paths of files and yields a result for each, in the same order, as soon as it is there."""
