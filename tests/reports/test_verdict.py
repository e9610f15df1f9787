"""The verdict says what the figures allow, and the next step follows from it."""

import re

import numpy as np
import pytest

from retrainer.measuring.assessment import Assessment, assess
from retrainer.reports.verdict import Judged, verdict


def assessed(right: list[int], support: list[int], sure: float = 0.0) -> Assessment:
    """The figures of classes with so many photos, of which some are right; wrong ones are taken for the next class."""
    labels = [f"class {number}" for number in range(len(support))]
    own = np.repeat(np.arange(len(support)), support)
    is_right = np.concatenate([np.arange(n) < r for r, n in zip(right, support, strict=True)])
    taken = np.where(is_right, own, (own + 1) % len(support))
    score = sure or max(float(is_right.mean()), 1.1 / len(support))
    scores = np.full((len(own), len(support)), (1 - score) / (len(support) - 1), np.float32)
    scores[np.arange(len(own)), taken] = score
    return assess(labels, scores, own)


def judged(right: list[int], support: list[int], leaked: int = 0, sure: float = 0.0) -> Judged:
    largest = int(np.argmax(support))
    baseline = support[largest] / sum(support)
    return Judged(assessed(right, support, sure), baseline, f"class {largest}", 5, leaked)


@pytest.mark.parametrize(
    ("what", "begins", "says"),
    [
        (Judged(None), "Unknown: ", "no photo tested the model"),
        (
            judged([95, 96], [100, 100]),
            "Good: 95.5 % of 200 photos right by 5 folds",
            "gives 50.0 %.",
        ),
        (judged([9, 9], [10, 10]), "Usable: ", "but 20 photos are too few to tell more."),
        (judged([7, 6], [10, 10]), "No better than guessing: ", "which chance can explain."),
        (judged([90, 0], [90, 10]), "No better than guessing: ", "so it has learnt nothing."),
        (judged([580, 400], [1000, 1000 - 200]), "No better than guessing: ", "gives 55.6 %"),
        (judged([600, 560], [1000, 1000]), "Barely better than guessing: ", "gives 50.0 %."),
        (judged([98, 97, 40], [100, 100, 100]), "Usable: ", "but 'class 2' is often wrong: only 40 of 100 right."),
        (judged([95, 96], [100, 100], leaked=7), "Usable: ", "but 7 test photos have copies among other photos"),
        (judged([85, 85], [100, 100], sure=0.999), "Usable: ", "but its scores are off by 15 points on average."),
    ],
)
def test_a_verdict_says_what_the_figures_allow(what: Judged, begins: str, says: str) -> None:
    sentence = verdict(what)
    assert sentence.startswith(begins)
    assert says in sentence
    assert sentence.count("\n") == 0
    assert len(re.findall(r"[\w.,]*\w", sentence)) <= 28


def test_a_small_class_that_chance_explains_is_not_called_weak() -> None:
    assert judged([95, 2], [100, 4]).weak is None
    assert judged([95, 2], [100, 40]).weak is not None
