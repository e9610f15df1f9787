"""Results in notebooks."""

from pathlib import Path

from conftest import Configure, Photos, jpeg
from seen_html import require_harmless

from retrainer import evaluate, retrain


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


def test_a_result_without_measured_photos_says_so(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(), testing_percentage=0))
    assert "Accuracy unknown" in require_harmless(result._repr_html_()).text


def test_an_evaluation_says_which_photos_were_measured(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    seen = require_harmless(evaluate(retrain(options).graph)._repr_html_())
    assert "confidence; the model's own test photos." in seen.text
    assert options.output_graph in seen.text
