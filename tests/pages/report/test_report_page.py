"""A report shows what is known, says in a sentence what is not, and stays small, whatever it is of."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hostile import NAMES
from report_demo import empty, good, labels_of, report, seen
from seen_html import Elements

from retrainer.measuring.assessment import assess
from retrainer.measuring.measured import Measured
from retrainer.pages.markup import element
from retrainer.pages.page import Section
from retrainer.pages.report import page
from retrainer.pages.report.cells import cells_of, shares
from retrainer.pages.report.contents import NearPhoto, ReportContents, SeenPhoto, Step
from retrainer.pages.report.page import report_page
from retrainer.pages.report.pictures import Pictures

MOST_BYTES, MOST_NODES = 4_000_000, 15_000


def html_of(contents: ReportContents) -> str:
    return report_page(contents).html()


def text_of(contents: ReportContents) -> str:
    return Elements(html_of(contents)).text


def test_the_same_contents_give_the_same_page() -> None:
    assert html_of(good()) == html_of(good())


@pytest.mark.parametrize(("classes", "photos"), [(1, 40), (20, 10_000), (1_000, 10_000)])
def test_a_report_is_small_whatever_it_is_of(classes: int, photos: int) -> None:
    shown = html_of(report(labels_of(classes), photos, 0.5))
    assert len(shown.encode()) <= MOST_BYTES
    assert len(Elements(shown).found) <= MOST_NODES


def test_each_number_of_the_matrix_leads_to_its_photos() -> None:
    contents = report(labels_of(5), 300, 0.6)
    assert contents.measured
    shown = html_of(contents)
    ids = re.findall(r'id="(photos-\d+-\d+)"', shown)
    assert ids == [f"photos-{own}-{other}" for own, other in cells_of(contents.measured)]
    assert re.findall(r'href="#(photos-\d+-\d+)"', shown) == ids


def test_numbers_without_a_place_for_a_picture_name_their_surest_photos() -> None:
    contents = report(labels_of(20), 10_000, 0.2)
    assert contents.measured
    shown = Elements(html_of(replace(contents, mistakes=(), undecided=(), suspects=())))
    assert sum(tag == "img" for tag, _ in shown.found) == 240
    fewest = min(cells_of(contents.measured).items(), key=lambda pair: (pair[0][0] != pair[0][1], len(pair[1])))
    assert all(contents.measured.paths[row] in shown.text for row in fewest[1][:3])


def test_of_many_classes_the_frequent_confusions_lead_to_their_photos_and_a_small_matrix_is_whole() -> None:
    many = html_of(report(labels_of(1_000), 5_000))
    text = Elements(many).text
    assert "The 20 most frequent confusions" in text
    assert "The matrix of 1,000 classes is too large for a page." in text
    assert len(re.findall(r'href="#photos-\d', many)) == len(re.findall(r'id="photos-\d', many)) == 20
    assert "The 50 classes with the smallest share of right photos, of 1,000" in text
    assert "The 50 classes with the fewest training photos, of 1,000" in text
    some = Elements(html_of(report(labels_of(25), 2_500, 0.99))).text
    assert "The 20 most frequent confusions" in some
    assert "Confusion matrix: true class in rows" in some


def test_photos_behind_a_number_are_the_surest_of_it_in_order() -> None:
    scores = np.array([[0.6, 0.4], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], np.float32)
    photos = Measured(("a", "b"), ["0", "1", "2", "3"], np.array([1, 1, 1, 0]), scores)
    assert cells_of(photos) == {(0, 1): [3], (1, 0): [1, 2, 0]}
    assert cells_of(Measured(("a",), [], np.empty(0, np.int64), np.empty((0, 1), np.float32))) == {}


def test_a_section_from_outside_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def colours(contents: ReportContents, _: Pictures) -> Section:
        return Section("Colours", [element("p", f"{contents.name} are grey.")])

    monkeypatch.setattr(page, "SECTIONS", (*page.SECTIONS, colours))
    assert "Coloursphotos are grey." in text_of(empty())


def test_places_are_shared_among_numbers() -> None:
    assert shares({(0, 0): 50, (0, 1): 3}, places=13, most=24) == {(0, 0): 10, (0, 1): 3}
    assert shares({(0, 0): 50, (0, 1): 3}, places=100, most=24) == {(0, 0): 24, (0, 1): 3}
    assert shares({(0, n): 2 for n in range(3)}, places=2, most=24) == {(0, 0): 1, (0, 1): 1, (0, 2): 0}


def test_a_description_says_given_predicted_and_score() -> None:
    near = (NearPhoto(path="n.jpg", label="hat", similarity=0.912),)
    one = SeenPhoto(path="a.jpg", label="shoes", predicted="hat", score=0.987, nearest=near)
    shown = Elements(html_of(replace(good(), mistakes=[one], measured=None, undecided=[], suspicious=0)))
    described = [found["alt"] for tag, found in shown.found if tag == "img"]
    assert described == [
        "Photo given as shoes, predicted hat with score 98.7 %",
        "Training photo of hat, similarity 0.91: n.jpg",
    ]
    assert "The photos behind the numbers are not known." in shown.text


def test_without_pictures_the_photos_are_named() -> None:
    contents = report(labels_of(5), 300, 0.6, reader=None)
    shown = html_of(contents)
    assert "<img" not in shown
    text = Elements(shown).text
    first = contents.mistakes[0]
    assert f"{first.path}{first.label}{first.predicted}{100 * first.score:.1f} %" in text
    assert all(near.path in text for near in first.nearest)


def test_what_is_unknown_is_a_sentence() -> None:
    text = text_of(empty())
    for sentence in (
        "No photo tested the model, so what it confuses is unknown.",
        "No photo tested the model, so the figures of its classes are unknown.",
        "No photo tested the model, so its mistakes are unknown.",
        "The photos nearest to the decision are unknown.",
        "Nobody looked for suspicious photos.",
        "How training went was not kept.",
        "Would more photos help? `retrain --learning_curve` measures it.",
        "How far scores can be trusted was not measured.",
        "Whether there are copies or leaks is unknown.",
        "No file was left out.",
        "The run warned of nothing.",
        "The split is unknown.",
        "The command is unknown.",
        "Nothing else is known of the model.",
    ):
        assert sentence in text
    assert "None" not in text
    assert "nan" not in text


def test_sentences_of_the_model_card_are_whole() -> None:
    (sentence,) = good().card["Limits"].values()
    assert sentence in text_of(good())


def test_a_perfect_model_has_no_worst_class_and_no_mistakes() -> None:
    photos = Measured(("a", "b"), ["0", "1"], np.array([0, 1]), np.eye(2, dtype=np.float32))
    figures = assess(photos.labels, photos.scores, photos.label_ids)
    text = text_of(replace(good(), assessment=figures, measured=photos, mistakes=(), suspicious=0))
    assert "All photos that tested the model are right." in text
    assert "No photo was taken for another class." in text
    assert "No photo looks wrong." in text


def test_a_model_that_is_no_better_than_the_baseline_is_called_so() -> None:
    contents = report(labels_of(2), 100, 0.1)
    assert "the model is not clearly better" in text_of(replace(contents, baseline=0.5))
    assert "the model is better" in text_of(replace(good(), baseline=0.2))


@pytest.mark.parametrize(("by", "said"), [("test photos", "300 test photos"), ("5 folds", "300 photos, 5 folds")])
def test_the_accuracy_says_what_measured_it(by: str, said: str) -> None:
    text = text_of(replace(report(labels_of(5), 300, 0.6, reader=None), measured_on=by))
    assert f"with 95 % confidence; {said}" in text


def test_calibration_has_a_diagonal_and_its_figures() -> None:
    contents = good()
    shown = Elements(html_of(contents))
    assert "Calibration: how often answers with a score are right" in shown.text
    ends = [found for tag, found in shown.found if tag == "line" and found.get("class") == "curve dashed"]
    assert any(
        (found["x1"], found["y1"], found["x2"], found["y2"]) == ("44.0", "250.0", "284.0", "10.0") for found in ends
    )
    for one in contents.calibration:
        assert f"{100 * one.score:.1f} %{100 * one.right:.1f} %{one.count:,}" in shown.text


def test_what_is_left_out_is_counted_and_has_its_command() -> None:
    contents = replace(good(), suspicious=500, clean_command="retrainer clean x --json", list_command="retrainer list")
    text = text_of(contents)
    mistakes = contents.measured.wrong if contents.measured else ()
    assert f"{len(mistakes) - 24:,} more mistakes are not on this page. List them with:retrainer list" in text
    assert (
        f"{500 - len(contents.suspects):,} more photos are not on this page. List them with:retrainer clean x" in text
    )
    assert "40 more files and folders are not on this page." in text


def test_the_number_of_suspicious_photos_leads_to_them_and_their_command() -> None:
    listed = good().suspects[:2]
    seen = Elements(html_of(replace(good(), suspicious=2, suspects=listed, clean_command="retrainer clean x")))
    assert [each["href"] for tag, each in seen.found if tag == "a"].count("#suspicious") == 2
    assert "suspicious" in [each.get("id") for _, each in seen.found]
    assert "This command lists them:retrainer clean x" in seen.text


@pytest.fixture(scope="module")
def plain() -> list[str]:
    """The elements of a report of harmless text."""
    return [tag for tag, _ in Elements(html_of(_all_of("a"))).found]


@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=lambda name: ascii(name[:12]))
def test_hostile_text_is_text(name: str, plain: list[str]) -> None:
    hostile = Elements(html_of(_all_of(name)))
    assert [tag for tag, _ in hostile.found] == plain
    assert not [key for _, found in hostile.found for key in found if key.startswith("on") or key == "style"]


def _all_of(text: str) -> ReportContents:
    """A report in which every text is the same one."""
    contents = report((text, "b"), 12, 0.5, reader=None, name=text)
    one = seen(contents.measured, 0) if contents.measured else None
    photos = [replace(one, path=text, nearest=(NearPhoto(path=text, label=text, similarity=0.5),))] if one else []
    return replace(
        contents,
        verdict=text,
        measured_on=text,
        mistakes=photos,
        undecided=photos,
        suspects=photos,
        step=Step(sentence=text, command=text),
        copies=[text],
        skipped={text: text},
        warnings=[text],
        notes=[text],
        command=text,
        card={text: {text: text}},
        list_command=text,
        clean_command=text,
    )
