"""What notebooks show: bounded, whatever the names and numbers; text as text; a sentence in place of what is gone."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE
from pictures import noise, photo, saved
from PIL import Image
from seen_html import require_harmless

from retrainer.measuring.assessment import Assessment, assess
from retrainer.measuring.learning_curve import CurvePoint, LearningCurve
from retrainer.measuring.training_curve import TrainingCurve, TrainingPoint
from retrainer.pages.charts import Curve, Point, chart
from retrainer.pages.notebook import Outcome, answer_html, labeler_html, outcome_html
from retrainer.photos.thumbnails import thumbnail


@dataclass(frozen=True)
class Wrong:
    path: str
    label: str
    predicted: str
    score: float = 0.9


def assessed(labels: Sequence[str], count: int) -> Assessment:
    generator = np.random.default_rng(count)
    own = generator.integers(0, len(labels), count)
    scores = generator.dirichlet(np.ones(len(labels)), count).astype(np.float32)
    scores[np.arange(0, count, 2), own[::2]] += 1
    return assess(labels, scores / scores.sum(axis=1, keepdims=True), own)


def outcome(labels: Sequence[str], mistakes: Sequence[Wrong] = (), count: int = 300) -> Outcome:
    points = tuple(CurvePoint(n, n / 1000, (n / 1000 - 0.02, n / 1000 + 0.02), n / 1000) for n in (100, 200, 400))
    curve = LearningCurve(points, (800, 0.9), (), (), tells=True)
    facts = {"Model": labels[0], "Backbone": labels[-1]}
    assessment = assessed(labels, count)
    return Outcome(assessment=assessment, photos="in 5 folds", facts=facts, mistakes=mistakes, curve=curve)


def html_of(value: Outcome) -> str:
    return outcome_html(lambda: value)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:12]))
def test_hostile_names_are_text(name: str) -> None:
    plain = require_harmless(html_of(outcome(["a", "b"], [Wrong("a", "a", "b")])))
    seen = require_harmless(html_of(outcome([name, "b"], [Wrong(name, name, name)])))
    assert [tag for tag, _ in seen.found] == [tag for tag, _ in plain.found]
    assert seen.style == plain.style
    require_harmless(answer_html(name, name, [(name, 0.7)], name))
    require_harmless(labeler_html([name], {"Model": name}, [name]))


def test_of_many_classes_the_worst_are_shown_and_the_size_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "noise.png").write_bytes(saved(Image.fromarray(noise(300, 200)), "PNG"))
    labels = [300 * "\U000e0001" + str(number) for number in range(1000)]
    mistakes = [Wrong(str(tmp_path / "noise.png"), labels[n], labels[n + 1]) for n in range(900)]
    seen = require_harmless(html_of(outcome(labels, mistakes, 5000)))
    assert "The 20 classes with the lowest F1, of 1,000" in seen.text
    assert "The 20 most frequent confusions" in seen.text
    assert "The surest mistakes, 12 of 900" in seen.text
    assert sum(tag == "img" for tag, _ in seen.found) == 12


def test_twenty_classes_of_long_names_are_a_whole_matrix() -> None:
    labels = [f"{'&' * 300}{number}" for number in range(20)]
    seen = require_harmless(html_of(outcome(labels, count=2000)))
    assert sum(str(found.get("class")).startswith(("right", "wrong")) for _, found in seen.found) == 400


def test_a_result_is_headline_classes_matrix_curve_and_mistakes(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(photo(1), "JPEG"))
    value = outcome(["daisy", "tulip"], [Wrong(str(tmp_path / "a.jpg"), "daisy", "tulip", 0.987)])
    seen = require_harmless(html_of(value))
    figures = value.assessment
    assert figures is not None
    assert f"{100 * figures.accuracy:.1f} % of 300 photos right" in seen.text
    assert f"{100 * figures.interval[0]:.1f} to {100 * figures.interval[1]:.1f} % with 95 % confidence" in seen.text
    (first, second) = figures.confusion
    assert f"daisy{first[0]}{first[1]}tulip{second[0]}{second[1]}" in seen.text
    assert f"daisy{figures.classes[0].precision:.3f}{figures.classes[0].recall:.3f}" in seen.text
    assert "daisy → tulip 98.7 %" in seen.text
    assert "40038.0 to" not in seen.text
    assert "40040.0 % (38.0 to 42.0 %)" in seen.text
    (picture,) = (found for tag, found in seen.found if tag == "img")
    assert picture["alt"] == "Photo of daisy, predicted tulip with score 98.7 %"


def test_how_training_went_is_shown_unless_the_worth_of_photos_is_known() -> None:
    points = tuple(TrainingPoint(10.0**-n, 0.8 + n / 100, 0.8 - n / 100, n == 2) for n in range(4))
    value = replace(outcome(["a", "b"]), curve=TrainingCurve("penalty", points))
    seen = require_harmless(html_of(value))
    assert "Training: accuracy by penalty; the model takes 0.01" in seen.text
    assert "0.00183.0 %77.0 %" in seen.text
    alone = tuple(replace(point, validation=float("nan"), chosen=False) for point in points)
    text = require_harmless(html_of(replace(value, curve=TrainingCurve("penalty", alone)))).text
    assert "training photos" in text
    assert "photos held out" not in text
    steps = TrainingCurve("step", tuple(TrainingPoint(10 * n, 0.9, 0.8) for n in range(50_000)))
    assert "499,99090.0 %80.0 %" in require_harmless(html_of(replace(value, curve=steps))).text


def test_what_is_missing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    gone = [Wrong(str(tmp_path / "gone.jpg"), "a", "b"), Wrong(str(tmp_path / "text.jpg"), "a", "b")]
    value = outcome(["a", "b"], gone)
    text = require_harmless(html_of(value)).text
    assert "No picture: cannot be read: No such file or directory." in text
    assert "No picture: expected JPEG" in text
    assert "No photo was taken for another class." in require_harmless(html_of(replace(value, mistakes=()))).text
    nothing = require_harmless(html_of(replace(value, assessment=None, mistakes=(), curve=None))).text
    assert "Accuracy unknown" in nothing
    assert "folds=5" in nothing


def test_nothing_raises() -> None:
    def fails() -> Outcome:
        raise RuntimeError("<b>first line</b>\nsecond")

    assert "This cannot be shown: <b>first line</b>" in require_harmless(outcome_html(fails)).text

    seen = require_harmless(answer_html(None, b"", [("a", float("nan")), ("b", 1.5)]))
    assert "No picture: the file is empty (0 bytes)." in seen.text
    assert "No picture: it was not kept." in require_harmless(answer_html(None, None, [])).text


def test_results_in_one_notebook_share_their_rules_and_leave_all_else_alone() -> None:
    one = require_harmless(html_of(outcome(["a", "b"])))
    other = require_harmless(labeler_html(["a"], {}))
    assert one.style == other.style
    root = str(one.found[0][1]["class"]).split()[0]
    for rule in one.style.strip().replace("}", "}\n").split("\n"):
        selectors = rule.partition("{")[0]
        if "{" in rule and selectors.strip():
            assert all(selector.strip().startswith(f".{root}") for selector in selectors.split(",")), rule


def test_a_thumbnail_is_small_upright_and_says_nothing_of_the_place() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    turned = photo(1).resize((900, 300))
    content = saved(turned, "JPEG", exif=exif, comment=b"SECRET PLACE")
    small = thumbnail(content, 112, 3_000)
    assert len(small) <= 3_000
    assert b"SECRET" not in small
    assert b"Exif" not in small
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.size == (37, 112)
        assert "exif" not in picture.info
    with Image.open(io.BytesIO(thumbnail(saved(Image.fromarray(noise(4, 900)), "PNG"), 112, 1_000))) as flat:
        assert flat.height == 1


def test_each_photo_of_a_gallery_takes_at_most_3_kb(tmp_path: Path) -> None:
    (tmp_path / "noise.png").write_bytes(saved(Image.fromarray(noise(700, 700)), "PNG"))
    seen = require_harmless(html_of(outcome(["a", "b"], [Wrong(str(tmp_path / "noise.png"), "a", "b")])))
    (source,) = (found["src"] for tag, found in seen.found if tag == "img")
    assert len(base64.b64decode(str(source).partition(",")[2])) <= 3_000


def test_a_chart_has_its_figures_as_a_table_and_survives_any_numbers() -> None:
    nan = float("nan")
    curves = [
        Curve("training", [Point("1", 0.5), Point("2", 1.0)]),
        Curve("validation", [Point("1", nan), Point("2", 1.0)]),
    ]
    seen = require_harmless(chart("Training", "step", curves))
    assert "150.0 %-2100.0 %100.0 %" in seen.text
    assert "nan" not in seen.text
    require_harmless(chart("One", "step", [Curve("a", [Point("1", 1.0, (1.0, 1.0))])]))
    assert require_harmless(chart("None", "step", [Curve("a", [Point("1", nan)])])).text == "None: not measured."
    many = [Curve("a", [Point(f"{n:,}", n / 5000) for n in range(0, 5000, 250)])]
    assert sum(tag == "text" for tag, _ in require_harmless(chart("Many", "step", many)).found) < 20
