"""The report in a browser: the first screen, photos behind numbers, keyboard, accessibility, and no scripts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import (
    OpenPage,
    require_accessible,
    require_few_nodes,
    require_fitting,
    require_no_requests,
    require_quiet,
)
from hostile import NAMES
from report_demo import bad, empty, good, labels_of, read, report

from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.page import report_page

pytestmark = pytest.mark.slow
Address = Callable[[str], str]
PAGES: dict[str, Callable[[], ReportContents]] = {
    "good": good,
    "bad": bad,
    "empty": empty,
    "without pictures": lambda: report(labels_of(5), 300, reader=None),
    "thousand classes": lambda: report(labels_of(1000), 3000),
    "hostile": lambda: report(NAMES[:18], 300, name=NAMES[0]),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Address:
    """The files of the reports, which are written once."""
    folder, written = tmp_path_factory.mktemp("reports"), dict[str, Path]()

    def of(name: str) -> str:
        if name not in written:
            written[name] = folder / f"{name}.html"
            written[name].write_text(report_page(PAGES[name]()).html(), "utf-8")
        return written[name].as_uri()

    return of


@pytest.mark.parametrize(
    ("name", "dark"), [*((name, False) for name in PAGES), ("good", True), ("bad", True), ("empty", True)]
)
def test_a_report_is_accessible_small_and_quiet(
    name: str, dark: bool, address: Address, browser_page: OpenPage
) -> None:
    page = browser_page(dark=dark)
    page.goto(address(name))
    require_few_nodes(page)
    require_accessible(page)
    require_no_requests(page)
    require_quiet(page)


@pytest.mark.parametrize("name", ["good", "bad", "empty"])
def test_the_first_screen_says_what_the_model_is_worth_and_what_to_do_next(
    name: str, address: Address, browser_page: OpenPage
) -> None:
    page = browser_page(1280, 800)
    page.goto(address(name))
    seen = [page.locator(".headline"), *page.locator(".figure").all(), page.locator(".callout")]
    assert len(seen) == 6
    for each in seen:
        box = each.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800
    assert page.locator(".figure dt").all_text_contents() == [
        "Accuracy",
        "Baseline",
        "Weakest class",
        "Suspicious photos",
    ]


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
def test_the_keyboard_opens_the_photos_of_a_number(javascript: bool, address: Address, browser_page: OpenPage) -> None:
    page = browser_page(javascript=javascript)
    page.goto(address("good"))
    links = page.locator(".matrix td a")
    assert links.count() == sum(1 for text in page.locator(".matrix tbody td").all_text_contents() if text != "0")
    for number in (1, 5):
        links.nth(number).focus()
        page.keyboard.press("Enter")
        opened = page.locator("details.place[open]")
        opened.wait_for()
        assert opened.count() == 1
        said = links.nth(number).get_attribute("aria-label") or ""
        (count, names) = said.split(" photos of ")
        assert opened.locator("summary").text_content() == f"{names}: {count} photos"
        pictures = opened.locator("img")
        assert pictures.count() == int(count)
        assert pictures.first.is_visible()
        own, taken = names.split(" predicted as ")
        alternative = pictures.first.get_attribute("alt") or ""
        assert alternative.startswith(f"Photo given as {own}, predicted {taken} with score ")


def test_the_mistakes_of_one_class_are_chosen_by_its_count(address: Address, browser_page: OpenPage) -> None:
    page = browser_page()
    page.goto(address("good"))
    section = page.locator("section", has=page.get_by_role("heading", name="Surest mistakes"))
    cards = section.locator("li.card")
    assert cards.count() == 24
    button = section.locator("[data-value]").first
    count = int(button.locator("b").text_content() or "")
    button.click()
    assert section.locator("li.card:not([hidden])").count() == count < 24
    page.reload()
    assert section.locator("li.card:not([hidden])").count() == count


def test_activation_maps_can_be_hidden_without_scripts(address: Address, browser_page: OpenPage) -> None:
    page = browser_page(javascript=False)
    page.goto(address("good"))
    section = page.locator("section", has=page.get_by_role("heading", name="Surest mistakes"))
    section.scroll_into_view_if_needed()
    assert section.locator(".map").first.is_visible()
    over, under = (section.locator(each).first.bounding_box() for each in (".map", ".picture img"))
    assert over == pytest.approx(under, abs=1)
    section.get_by_label("Show the places").uncheck()
    assert not section.locator(".map").first.is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_report_fits_a_phone(name: str, address: Address, browser_page: OpenPage) -> None:
    page = browser_page(320, 844)
    page.goto(address(name))
    require_fitting(page)


def test_photos_that_cannot_be_read_cost_no_more_than_their_place(tmp_path: Path, browser_page: OpenPage) -> None:
    def gone(path: str) -> bytes:
        if path.endswith("3.jpg"):
            raise OSError("<b>no such file</b>")
        return read(path)

    path = tmp_path / "report.html"
    path.write_text(report_page(report(labels_of(2), 60, 0.5, gone)).html(), "utf-8")
    page = browser_page()
    page.goto(path.as_uri())
    assert page.locator(".gone").first.text_content() == "No picture: <b>no such file</b>."
    require_quiet(page)
