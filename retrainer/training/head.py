"""The head: the linear layer and softmax that are trained on top of a backbone."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.training.products import product

# The initial weights of the 2017 scripts: a normal distribution cut at two standard deviations.
INITIAL_STDDEV = 0.001


@dataclass(frozen=True, eq=False)
class Head:
    """Weights float32 `(D, C)` and biases float32 `(C,)`; gradient steps change them in place."""

    weights: Floats
    biases: Floats

    def logits(self, features: Floats) -> Floats:
        """Returns the logits `(N, C)` of feature vectors `(N, D)`."""
        logits = product(features, self.weights)
        logits += self.biases
        return logits

    def calibrated(self, temperature: float) -> "Head":
        """Returns a head whose logits are those of this one divided by a temperature."""
        return Head(self.weights / np.float32(temperature), self.biases / np.float32(temperature))

    def copy(self) -> "Head":
        """Returns a copy, which later steps do not change."""
        return Head(self.weights.copy(), self.biases.copy())

    def tobytes(self) -> bytes:
        """Returns the weights and biases as bytes, for a hash."""
        return self.weights.tobytes() + self.biases.tobytes()


def initial_head(depth: int, classes: int, generator: np.random.Generator) -> Head:
    """Returns small random weights `(depth, classes)`, truncated at two standard deviations, and zero biases."""
    weights = generator.standard_normal((depth, classes))
    while (outside := np.abs(weights) > 2.0).any():
        weights[outside] = generator.standard_normal(int(outside.sum()))
    return Head((weights * INITIAL_STDDEV).astype(np.float32), np.zeros(classes, np.float32))


def softmax(logits: Floats) -> Floats:
    """Returns the scores of logits `(N, C)`, 0 to 1; the sum of each row is 1."""
    scores: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def gradient_step(head: Head, features: Floats, label_ids: Integers, learning_rate: float) -> None:
    """Takes one step of gradient descent on the mean softmax cross entropy, in place.

    Args:
        head: Changed in place.
        features: `(N, D)`.
        label_ids: `(N,)`, 0 to C-1.
        learning_rate: The factor on the gradient.
    """
    errors = softmax(head.logits(features))
    errors[np.arange(len(label_ids)), label_ids] -= 1.0
    errors *= np.float32(learning_rate / len(label_ids))
    head.weights[...] -= features.T @ errors
    head.biases[...] -= errors.sum(axis=0)
