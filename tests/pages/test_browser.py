"""Pages in a browser: filters, state, themes, keyboard, accessibility, and names that try to run."""

from pathlib import Path

import pytest
from browser import (
    OpenPage,
    require_accessible,
    require_few_nodes,
    require_fitting,
    require_no_requests,
    require_quiet,
    state_of,
)
from demo import CARDS, KINDS, demo
from hostile import NAMES

from retrainer.pages.page import Page

pytestmark = pytest.mark.slow
SHOWN = "li[data-of]:not([hidden])"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of the demo page."""
    path = tmp_path_factory.mktemp("pages") / "demo.html"
    path.write_text(demo().html(), "utf-8")
    return path.as_uri()


def test_counts_are_filters_and_the_state_outlives_a_reload(address: str, browser_page: OpenPage) -> None:
    page = browser_page()
    page.goto(address)
    status = page.locator(".filters [role=status]")
    assert status.text_content() == f"all {CARDS} shown"
    page.get_by_role("button", name="Copies 20").click()
    page.get_by_role("button", name="roses 12").click()
    assert status.text_content() == f"4 of {CARDS} shown"
    assert page.locator(SHOWN).count() == 4
    assert state_of(page) == {"finding": "copy", "class": "roses"}
    page.reload()
    assert page.locator(SHOWN).count() == 4
    assert page.get_by_role("button", name="roses 12").get_attribute("aria-pressed") == "true"
    page.go_back()
    assert page.locator(SHOWN).count() == 20
    page.get_by_role("button", name="Show all").click()
    assert page.locator(SHOWN).count() == CARDS
    require_no_requests(page)
    require_quiet(page)


def test_the_keyboard_skips_to_the_content_filters_and_switches_the_theme(address: str, browser_page: OpenPage) -> None:
    page = browser_page()
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "top"
    page.get_by_role("button", name="Outliers 20").focus()
    page.keyboard.press("Space")
    assert page.locator(SHOWN).count() == 20
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert state_of(page) == {"at": "top", "finding": "outlier", "theme": "dark"}
    page.get_by_role("button", name="Auto").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light
    require_quiet(page)


def test_a_link_keeps_filters_and_a_reload_comes_back_there(address: str, browser_page: OpenPage) -> None:
    page = browser_page()
    page.goto(f"{address}#finding=copy&theme=dark")
    page.get_by_role("link", name="Findings").click()
    assert state_of(page) == {"finding": "copy", "theme": "dark", "at": "findings"}
    assert page.locator(SHOWN).count() == CARDS // len(KINDS)
    assert page.evaluate("document.activeElement.id") == "findings"
    assert page.get_by_role("link", name="Findings").get_attribute("aria-current") == "true"
    page.reload()
    assert page.evaluate("document.activeElement.id") == "findings"
    assert page.evaluate("scrollY") > 100
    require_quiet(page)


@pytest.mark.parametrize("fragment", ["class=nothing&finding=<b>", "theme=%3Cb%3E&at=%00", "&=&=a&%", "nothing"])
def test_any_fragment_is_survived(fragment: str, address: str, browser_page: OpenPage) -> None:
    page = browser_page()
    page.goto(f"{address}#{fragment}")
    assert page.locator(SHOWN).count() == (0 if "class" in fragment else CARDS)
    require_quiet(page)


def test_a_file_without_scripts_shows_all_and_offers_no_button(address: str, browser_page: OpenPage) -> None:
    page = browser_page(javascript=False)
    page.goto(address)
    assert page.locator(SHOWN).count() == CARDS
    assert [button for button in page.get_by_role("button").all() if button.is_visible()] == []
    page.get_by_role("link", name="Record").click()
    assert page.get_by_role("heading", name="The record").is_visible()
    assert page.locator(".map").first.is_visible()
    page.get_by_role("checkbox").uncheck()
    assert not page.locator(".map").first.is_visible()
    require_no_requests(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_stands_in_anybodys_way(width: int, dark: bool, address: str, browser_page: OpenPage) -> None:
    page = browser_page(width, 800, dark=dark)
    page.goto(address)
    require_fitting(page)
    require_few_nodes(page)
    require_accessible(page)
    require_fitting(page)


@pytest.mark.parametrize(
    ("barrier", "rule"),
    [
        ("querySelector('.card p').style.color = '#777'", "color-contrast"),
        ("querySelector('.theme').style.cssText = 'font-size: 1px; zoom: 0.3'", "target-size"),
        ("querySelector('li:last-child img').removeAttribute('alt')", "image-alt"),
    ],
)
def test_barriers_are_found(barrier: str, rule: str, address: str, browser_page: OpenPage) -> None:
    page = browser_page(dark=True)
    page.goto(address)
    page.evaluate(f"document.{barrier}")
    with pytest.raises(AssertionError, match=rule):
        require_accessible(page)


def test_a_command_is_copied_or_selected(address: str, browser_page: OpenPage) -> None:
    page = browser_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(address)
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "retrainer clean photos --interactive"
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    page.locator("[data-copy]").last.click()
    page.locator("#said", has_text="Selected").wait_for(state="attached")
    assert page.evaluate("getSelection().toString()") == "retrainer clean photos --interactive"
    require_quiet(page)


def test_forced_colours_and_large_text_keep_everything_in_the_window(address: str, browser_page: OpenPage) -> None:
    # A window of 1280 pixels at 200 % zoom has 640.
    page = browser_page(640, 400, forced_colors="active")
    page.goto(address)
    require_fitting(page)
    require_accessible(page)


def test_print_shows_what_is_closed_and_no_controls(address: str, browser_page: OpenPage) -> None:
    page = browser_page(dark=True)
    page.goto(address)
    page.emulate_media(media="print")
    assert not page.locator(".top").is_visible()
    assert not page.locator(".filters").is_visible()
    assert page.get_by_text("broken.jpg").is_visible()
    assert page.locator("main").bounding_box()["width"] > 1200  # type: ignore[index]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_hostile_names_never_run(tmp_path: Path, browser_page: OpenPage) -> None:
    assert len(NAMES) >= 200
    path = tmp_path / "demo.html"
    path.write_text(demo(NAMES, NAMES[0]).html(), "utf-8")
    page = browser_page()
    page.goto(path.as_uri())
    buttons = "[data-value]:nth-of-type(4n), [data-value]:last-child"
    page.evaluate(f"document.querySelectorAll('{buttons}').forEach((button) => button.click())")
    assert state_of(page) == {"finding": "outlier", "class": NAMES[-1]}
    assert page.get_by_text(f"{len(NAMES) - 16} more", exact=True).locator("xpath=..").get_attribute("open") == ""
    assert page.locator(SHOWN).count() == (len(NAMES) % len(KINDS) == 0)
    assert page.evaluate("document.scripts.length") == 2
    assert page.locator("main > *").count() == 9
    require_fitting(page)
    require_no_requests(page)
    require_quiet(page)


def test_the_shell_is_small() -> None:
    assert len(Page(title="", sections=[], scripts=["filters"]).html().encode()) < 60_000
