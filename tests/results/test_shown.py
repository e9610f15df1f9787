"""Results in notebooks."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos, jpeg
from PIL import Image
from seen_html import require_harmless

from retrainer import Labeler, evaluate, retrain


def test_a_result_shows_the_photos_of_its_headline(photos: Photos, configured: Configure) -> None:
    root = photos({"blue": (30, 30, 200), "green": (30, 200, 30)}, count=20)
    (root / "green" / "wrong.jpg").write_bytes(jpeg((30, 33, 201)))
    options = configured(root, folds=2, learning_curve=True)
    result = retrain(options)
    seen = require_harmless(result._repr_html_())
    assert f"{100 * 40 / 41:.1f} % of 41 photos right" in seen.text
    assert "2 folds" in seen.text
    assert "Learning curve" in seen.text
    assert "green → blue" in seen.text
    assert sum(tag == "img" for tag, _ in seen.found) == 1
    (root / "green" / "wrong.jpg").unlink()
    Path(result.graph).unlink()
    assert "No picture: cannot be read: No such file or directory." in require_harmless(result._repr_html_()).text


@pytest.mark.parametrize(("solver", "by"), [("lbfgs", "penalty"), ("sgd", "step")])
def test_a_result_without_a_learning_curve_shows_how_training_went(
    solver: str, by: str, photos: Photos, configured: Configure
) -> None:
    only_descent = {} if by == "step" else {"how_many_training_steps": None, "learning_rate": None}
    result = retrain(configured(photos(count=30), solver=solver, **only_descent))
    assert result.training_curve
    assert result.training_curve.by == by
    assert f"Training: accuracy by {by}" in require_harmless(result._repr_html_()).text


def test_mistakes_among_pictures_that_are_no_files_are_shown(model_dir: Path) -> None:
    colours = [(200 - n, 30, 30) for n in range(20)] + [(30, 200 - n, 30) for n in range(20)]
    pictures = [np.full((12, 16, 3), colour, np.uint8) for colour in [*colours, (200, 30, 35)]]
    labels = [*["red"] * 20, *["green"] * 21]
    result = retrain((pictures, labels), folds=2, architecture=COLOURS, model_dir=model_dir)
    seen = require_harmless(result._repr_html_())
    assert sum(tag == "img" for tag, _ in seen.found) == 1
    assert "picture 40" in seen.text
    assert 'in a temporary folder; save("model.tflite") keeps it' in seen.text


def test_a_result_without_measured_photos_says_so(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(), testing_percentage=0))
    assert "Accuracy unknown" in require_harmless(result._repr_html_()).text


def test_an_evaluation_says_which_photos_were_measured(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    seen = require_harmless(evaluate(retrain(options).graph)._repr_html_())
    assert "confidence; the model's own test photos." in seen.text
    assert options.output_graph in seen.text


@pytest.fixture
def labeler(photos: Photos, configured: Configure) -> Labeler:
    return Labeler(retrain(configured(photos())).graph)


def test_a_labeler_says_what_it_is_and_how_to_call_it(labeler: Labeler) -> None:
    seen = require_harmless(labeler._repr_html_())
    # A label with dollars would become a formula.
    assert str(seen.found[0][1]["class"]).endswith(" tex2jax_ignore mathjax_ignore")
    text = seen.text
    assert "Labeler of 2 classesgreen, red" in text
    assert "Backbonecolours" in text
    assert 'labeler("photo.jpg")' in text


KINDS: dict[str, Callable[[bytes], Any]] = {
    "bytes": lambda content: content,
    "array": lambda content: np.asarray(Image.open(io.BytesIO(content))),
    "Pillow": lambda content: Image.open(io.BytesIO(content)),
    "file": io.BytesIO,
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_shows_its_picture_and_scores(kind: str, labeler: Labeler) -> None:
    answer = labeler(KINDS[kind](jpeg((200, 30, 30), (90, 60))))
    seen = require_harmless(answer._repr_html_())
    (picture,) = (found for tag, found in seen.found if tag == "img")
    assert picture["alt"] == "The picture"
    assert seen.text.startswith(f"Scoresred{100 * answer.score:.1f} %green")
    assert "Rejected" not in seen.text


def test_an_answer_whose_picture_is_gone_or_rejected_says_so(labeler: Labeler, tmp_path: Path) -> None:
    path = tmp_path / "blue.jpg"
    path.write_bytes(jpeg((0, 0, 250)))
    answer, (of_many,) = labeler(path), labeler.many([path.read_bytes()])
    path.unlink()
    assert answer.rejected
    text = require_harmless(answer._repr_html_()).text
    assert "No picture: cannot be read: No such file or directory." in text
    assert "Rejected: the picture is unlike all those that the model learnt from." in text
    assert "blue.jpg" in text
    assert "No picture: it was not kept." in require_harmless(of_many._repr_html_()).text  # type: ignore[union-attr]
