"""Reports to look at: good, bad and empty ones, of any number of classes and photos."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from pictures import photo, saved

from retrainer.arrays import Floats
from retrainer.measuring.assessment import assess
from retrainer.measuring.learning_curve import ClassWorth, CurvePoint, LearningCurve
from retrainer.measuring.measured import Measured
from retrainer.measuring.training_curve import TrainingCurve, TrainingPoint
from retrainer.pages.report.contents import Bin, NearPhoto, ReportContents, SeenPhoto, Step

NAMES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


@cache
def jpeg(seed: int) -> bytes:
    return saved(photo(seed), "JPEG", quality=85)


def read(path: str) -> bytes:
    """A made-up picture for any path; the same one for the same path."""
    return jpeg(sum(path.encode("utf-8", "surrogatepass")) % 40)


def labels_of(count: int) -> tuple[str, ...]:
    return NAMES[:count] if count <= len(NAMES) else tuple(f"class {n:03}" for n in range(count))


def measured(labels: Sequence[str], count: int, right: float = 0.87) -> Measured:
    """Photos of which about a share is right."""
    generator = np.random.default_rng(count)
    own = np.arange(count) % len(labels)
    scores = generator.dirichlet(np.full(len(labels), 0.3), count)
    taken = np.where(generator.random(count) < right, own, generator.integers(0, len(labels), count))
    scores[np.arange(count), taken] += generator.uniform(0.2, 5, count)
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    paths = [f"photos/{labels[own[n]]}/IMG_{n:05}.jpg" for n in range(count)]
    return Measured(tuple(labels), paths, own, scores)


def activation(seed: int) -> Floats:
    """A map with one warm place."""
    y, x = np.mgrid[0:7, 0:7] - np.random.default_rng(seed).uniform(1, 5, (2, 1, 1))
    warmth: Floats = np.exp(-(x**2 + y**2) / 4).astype(np.float32)
    return warmth


def seen(photos: Measured, row: int, *, active: bool = True) -> SeenPhoto:
    order = np.argsort(-photos.scores[row])
    near = [(row + 7 * k) % len(photos.paths) for k in (1, 2, 3)]
    return SeenPhoto(
        path=photos.paths[row],
        label=photos.labels[photos.label_ids[row]],
        predicted=photos.labels[order[0]],
        score=float(photos.scores[row, order[0]]),
        second=(photos.labels[order[1]], float(photos.scores[row, order[1]])) if len(order) > 1 else None,
        nearest=tuple(
            NearPhoto(path=photos.paths[n], label=photos.labels[photos.label_ids[n]], similarity=0.9 - n % 10 / 50)
            for n in near
        ),
        activation=activation(row) if active else None,
    )


def learning() -> LearningCurve:
    points = tuple(
        CurvePoint(n, 0.7 + n / 5000, (0.66 + n / 5000, 0.74 + n / 5000), 0.8) for n in (125, 250, 500, 1000)
    )
    return LearningCurve(points, (2000, 0.931), (ClassWorth("roses", 0.02, 0.004),), ("roses",), tells=True)


def penalties() -> TrainingCurve:
    points = (TrainingPoint(10.0**-n, 0.8 + n / 40, 0.86 - abs(n - 3) / 50, n == 3) for n in range(7))
    return TrainingCurve("penalty", tuple(points))


def bins(photos: Measured) -> tuple[Bin, ...]:
    top, right = photos.scores.max(axis=1), photos.predicted == photos.label_ids
    which = np.minimum((top * 10).astype(int), 9)
    return tuple(
        Bin(count=int((which == n).sum()), score=float(top[which == n].mean()), right=float(right[which == n].mean()))
        for n in range(10)
        if (which == n).any()
    )


def report(
    labels: Sequence[str],
    count: int,
    right: float = 0.87,
    reader: Callable[[str], bytes] | None = read,
    name: str = "photos",
) -> ReportContents:
    """A report with everything that a report can have."""
    photos = measured(labels, count, right)
    figures = assess(labels, photos.scores, photos.label_ids)
    ordered = np.sort(photos.scores, axis=1)
    close = np.argsort(ordered[:, -1] - ordered[:, -2:].min(axis=1), kind="stable")[:24]
    wrong = photos.wrong[np.argsort(-photos.scores.max(axis=1)[photos.wrong], kind="stable")]
    quarter = max(1, count // len(labels))
    return ReportContents(
        name=name,
        verdict=f"The model is right for {100 * figures.accuracy:.0f} of 100 photos, far more than the baseline.",
        measured_on="5 folds",
        assessment=figures,
        baseline=1 / len(labels),
        measured=photos,
        mistakes=[seen(photos, int(row)) for row in wrong[:24]],
        undecided=[seen(photos, int(row)) for row in close],
        suspicious=len(wrong) // 3,
        suspects=[seen(photos, int(row), active=False) for row in wrong[: min(24, len(wrong) // 3)]],
        step=Step(
            sentence=f"Look at the {len(wrong) // 3} suspicious photos; labels of some are probably wrong.",
            command=f"retrainer clean {name} --interactive",
        ),
        split=dict.fromkeys(labels, (quarter * 8 // 10, quarter // 10, quarter // 10)),
        training_curve=penalties(),
        learning_curve=learning(),
        calibration=bins(photos),
        copies=(
            "12 photos are copies of others, in 5 groups; copies stay in one part.",
            "No copy leaks into the test.",
        ),
        skipped={f"photos/daisy/broken_{n}.jpg": "expected a picture, got 0 bytes" for n in range(60)},
        warnings=("1 class has fewer than 20 photos: 'roses'.",),
        command=f"retrainer retrain --image_dir {name} --folds 5 --learning_curve",
        card={
            "Model": {"Backbone": "efficientnet_lite0", "Labels": ", ".join(labels[:5]), "Model id": "8a6f3c1d"},
            "Data": {"Photos": f"{count:,}, from {name}", "Measured on": "5 folds"},
            "Limits": {
                "Not for": "Photos that differ from those it learnt from: other cameras, places, seasons, or ways "
                "to choose photos may give other figures, which nobody has measured."
            },
        },
        read=reader,
        clean_command=f"retrainer clean {name}",
        list_command=f"retrainer evaluate --graph tf_files/retrained_graph.pb {name} --mistakes m.csv",
    )


def good() -> ReportContents:
    return report(labels_of(5), 1250, 0.95)


def bad() -> ReportContents:
    """A report of a model that has learnt next to nothing."""
    return report(labels_of(20), 245, 0.2)


def empty() -> ReportContents:
    """A report of a run of which nothing is known."""
    return ReportContents(name="photos", verdict="No photo tested the model, so nobody knows how good it is.")
