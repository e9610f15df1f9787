"""Scores of pictures whose feature vectors are cached, as in cross-validation: no network runs for them.

They differ from those of the model in the seventh digit.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import TFLITE
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.models.metadata import ModelMetadata
from retrainer.models.tflite.heads import head_of
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.training.head import Head, softmax
from retrainer.vectors import FeatureSource


@dataclass(frozen=True)
class KnownScores:
    """A model's head, and the cached vectors of its backbone.

    Attributes:
        head: The head.
        cache: The vectors.
    """

    head: Head
    cache: BottleneckCache

    @classmethod
    def of(cls, content: bytes, metadata: ModelMetadata, source: FeatureSource) -> "KnownScores | None":
        """Returns the head of a model and the vectors of a source; None if they do not belong together.

        Args:
            content: The bytes of the model.
            metadata: Its description.
            source: A backbone, which is not made if it is not here.
        """
        if not source.is_here:
            return None
        bundle, head = source.bundle, head_of(content)
        reads = metadata.backbone.get("sha256"), metadata.input_size, metadata.mean, metadata.std
        if reads != (bundle.sha256[TFLITE], bundle.input_size, INPUT_MEAN, INPUT_STD):
            return None
        return cls(head, source.cache()) if len(head.weights) == bundle.depth else None

    def __call__(self, content: bytes) -> Floats | None:
        """The scores of a picture file's bytes, float32 `(C,)`; None if its vector is not cached."""
        digest = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)[np.newaxis]
        row = self.cache.rows(digest, np.zeros(1, np.int64))[0]
        return None if row < 0 else softmax(self.head.logits(self.cache.matrix[row : row + 1]))[0]
