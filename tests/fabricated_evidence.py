"""Fabricated evidence: photos whose vectors lie around the axis of their class."""

import hashlib
from collections.abc import Sequence

import numpy as np

from retrainer.arrays import Integers
from retrainer.events import silent
from retrainer.findings.evidence import Evidence, out_of_fold_scores
from retrainer.options.fit import FitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.positions import content_positions
from retrainer.training.examples import Examples
from retrainer.training.solvers import solver_of

DEPTH = 32


def dataset_of(label_ids: Integers, classes: int, contents: Sequence[int] | None = None) -> Dataset:
    """Photos of the given classes; those of the same content are copies."""
    contents = range(len(label_ids)) if contents is None else contents
    digests = b"".join(hashlib.sha256(str(content).encode()).digest() for content in contents)
    return Dataset(
        tuple(f"class {number}" for number in range(classes)),
        tuple(f"photo {number}.jpg" for number in range(len(label_ids))),
        label_ids,
        np.frombuffer(digests, np.uint8).reshape(-1, 32),
    )


def evidence_of(true_ids: Integers, label_ids: Integers, noise: float = 0.1, depth: int = DEPTH) -> Evidence:
    """Photos that look like their true classes and lie in the folders of others."""
    generator = np.random.default_rng(0)
    classes = int(max(true_ids.max(), label_ids.max())) + 1
    centres = generator.normal(size=(classes, depth))
    features = centres[true_ids] + noise * generator.normal(size=(len(true_ids), depth))
    return evidence_from(features, label_ids, classes)


def evidence_from(
    features: np.ndarray, label_ids: Integers, classes: int, contents: Sequence[int] | None = None
) -> Evidence:
    """Photos with the given vectors; every fifth one tests."""
    dataset = dataset_of(label_ids, classes, contents)
    groups = content_positions(dataset, 0)[0].view(np.int64)
    examples = Examples(features.astype(np.float32), np.arange(len(features)), label_ids, groups)
    parts = np.where(np.arange(len(features)) % 5, Part.TRAINING, Part.TESTING).astype(np.int8)
    solver = solver_of(FitOptions(), dataset.counts, silent)
    return Evidence(dataset, examples, parts, out_of_fold_scores(dataset, examples, solver, 0, silent))
