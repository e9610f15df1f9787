"""The page of findings in a browser: by keyboard alone, in two windows, on a phone, without its server."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
from hostile import NAMES
from reviewing import CLASSES, Reviewed, findings_in, hostile_findings, many_findings, reviewed, served_alone, written

from retrainer.pages.clean.page import clean_page
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Kind, Row

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Reviewed]:
    with reviewed(written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))) as server:
        yield server


def opened(page: "Page", address: str, at: str = "") -> "Page":
    page.goto(f"{address}{at}")
    page.wait_for_selector("#cards[aria-busy=false]")
    return page


def focused(page: "Page") -> str:
    return str(page.evaluate("document.activeElement.closest('.finding')?.querySelector('h3').textContent || ''"))


def pressed(page: "Page", *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def said(page: "Page", text: str) -> None:
    page.locator("#said", has_text=text).wait_for(state="attached")


def progress(page: "Page", text: str) -> None:
    page.locator("#progress", has_text=text).wait_for()


def test_the_keyboard_alone_decides_undoes_and_goes_on(server: Reviewed, browser_page: OpenPage) -> None:
    page = opened(browser_page(), server.address)
    pressed(page, "j")
    assert focused(page) == "Wrong label: roses/2.jpg"
    pressed(page, "k", "a")
    said(page, "Relabel to tulips: roses/1.jpg")
    assert focused(page) == "Wrong label: roses/2.jpg"
    pressed(page, "Shift+K")
    said(page, "Keep: roses/2.jpg")
    pressed(page, "r")
    assert page.evaluate("document.activeElement.id") == "class-name"
    pressed(page, "d", "a", "Enter")
    said(page, "Relabel to daisy: roses/3.jpg")
    assert focused(page) == "Copy: roses/4.jpg"
    pressed(page, "s")
    progress(page, "4 of 7 decided")
    rows = server.actions()
    assert rows["roses/1.jpg"] == ["relabel tulips"]
    assert rows["roses/2.jpg"] == ["keep"]
    assert rows["roses/3.jpg"] == ["relabel daisy"] * 2
    assert rows["roses/4.jpg"] == ["set aside"]
    pressed(page, "n", *"seen", "Enter")
    said(page, "Note on roses/5.jpg")
    assert focused(page) == "Copy: roses/5.jpg"
    page.reload()
    page.wait_for_selector("#cards[aria-busy=false]")
    assert state_of(page)["at"] == page.locator("[aria-current]").get_attribute("id")
    assert page.locator("[aria-current] [data-note]").input_value() == "seen"
    for done in ("3", "2", "1", "0"):
        pressed(page, "u")
        if done == "3":
            said(page, "Undone: Note on roses/5.jpg")
            pressed(page, "u")
        progress(page, f"{done} of 7 decided")
    assert focused(page) == "Wrong label: roses/1.jpg"
    assert {action for actions in server.actions().values() for action in actions} == {""}
    pressed(page, "u")
    said(page, "Nothing to undo in this window.")
    pressed(page, "?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.get_by_label("Keys are on").uncheck()
    pressed(page, "Escape", "s", "a")
    page.wait_for_timeout(300)
    assert {action for actions in server.actions().values() for action in actions} == {""}
    require_no_requests(page, server.address)


def test_classes_that_differ_in_capitals_alone_are_told_apart(tmp_path: Path, browser_page: OpenPage) -> None:
    path = written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))
    with reviewed(path, ["Roses", "roses", "tulips"]) as server:
        page = opened(browser_page(), server.address)
        pressed(page, "s", "k", "r")
        page.keyboard.type("roses")
        page.keyboard.press("Enter")
        said(page, "Relabel to roses")
        assert "relabel roses" in str(server.actions())


def test_filters_groups_and_clicks(server: Reviewed, browser_page: OpenPage) -> None:
    page = opened(browser_page(), server.address)
    status = page.locator(".filters [role=status]")
    assert status.text_content() == "all 8 shown"
    page.get_by_role("button", name="Copies 2").click()
    page.locator("h3", has_text="roses/1.jpg").wait_for(state="detached")
    assert status.text_content() == "2 of 8 shown"
    assert state_of(page)["finding"] == "copy"
    page.get_by_role("button", name="Keep the largest, set aside all 2 copies").first.click()
    progress(page, "2 of 7 decided")
    assert page.locator("[data-action='set aside']").count() == 2
    assert page.locator("[data-filter=decision] [data-value='set aside'] b").text_content() == "2"
    page.get_by_role("button", name="Undo").click()
    progress(page, "0 of 7 decided")
    page.get_by_role("button", name="Wrong labels 3").click()
    page.get_by_role("button", name="Accept 2 suggestions").click()
    said(page, "Accepted suggestions: 2 photos")
    assert page.get_by_text("This is a test photo").is_visible()
    page.get_by_role("button", name="relabel 3", exact=True).click()
    page.locator("h3", has_text="roses/2.jpg").wait_for(state="detached")
    page.get_by_role("button", name="Relabel…").first.click()
    page.get_by_role("option", name="roses").click()
    said(page, "Relabel to roses")
    page.get_by_role("button", name="Relabel…").last.scroll_into_view_if_needed()
    page.locator(".own button.picture").first.click()
    large = page.locator("#large-photo")
    page.wait_for_function("() => document.getElementById('large-photo').naturalWidth == 1280")
    assert "photo of class roses" in str(large.get_attribute("alt"))
    pressed(page, "Escape")
    page.get_by_role("button", name="Show all").click()
    page.locator("h3", has_text="roses/text.jpg").scroll_into_view_if_needed()
    assert "No picture: expected JPEG" in str(page.locator("button .gone").first.text_content())
    complaints = page.locator("#banner")
    assert complaints.is_hidden()


def test_two_windows_see_each_other_and_lose_nothing(tmp_path: Path, browser_page: OpenPage) -> None:
    readable = [one for one in findings_in(tmp_path / "photos") if one.kind != Kind.UNREADABLE]
    with reviewed(written(tmp_path / "clean.csv", readable)) as server:
        one, other = (opened(browser_page(), server.address) for _ in range(2))
        pressed(one, "j", "k", "s")
        progress(other, "1 of 6 decided")
        pressed(other, "j", "Shift+K")
        other.locator(".finding[data-action=keep]").wait_for()
        one.locator(".finding[data-action=keep]").wait_for(timeout=2_500)
        assert other.locator(".finding[data-action='set aside'] h3").text_content() == ("Wrong label: roses/1.jpg")
        pressed(one, "u")
        other.locator(".finding[data-action='set aside']").wait_for(state="detached", timeout=2_500)
        assert server.actions()["roses/1.jpg"] == [""]
        assert server.actions()["roses/2.jpg"] == ["keep"]
        require_quiet(one)
        require_quiet(other)


def test_what_a_killed_server_did_not_save_is_said(tmp_path: Path, browser_page: OpenPage) -> None:
    path = written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))
    with served_alone(path) as (server, process):
        page = opened(browser_page(), server.address)
        pressed(page, "j", "k", "s")
        progress(page, "1 of 7 decided")
        process.kill()
        process.wait()
        pressed(page, "Shift+K", "s")
        banner = page.get_by_role("alert")
        banner.get_by_text("These 2 decisions are not saved").wait_for()
        assert "The server does not answer" in str(banner.text_content())
        assert banner.locator("li").all_text_contents() == ["roses/2.jpg: Keep", "roses/3.jpg: Set aside"]
        assert page.locator("[data-action=keep]").count() == 0
        assert server.actions()["roses/1.jpg"] == ["set aside"]


def test_what_was_not_saved_can_be_saved_when_the_server_answers_again(
    server: Reviewed, browser_page: OpenPage
) -> None:
    page = opened(browser_page(), server.address)
    page.route("**/decide", lambda route: route.abort())
    pressed(page, "j", "k", "s")
    page.get_by_text("This decision is not saved").wait_for()
    page.unroute("**/decide")
    page.get_by_role("button", name="Save now").click()
    progress(page, "1 of 7 decided")
    page.get_by_role("alert").wait_for(state="hidden")
    assert server.actions()["roses/1.jpg"] == ["set aside"]


def test_10000_findings_are_decided_one_after_the_other_in_a_small_page(tmp_path: Path, browser_page: OpenPage) -> None:
    with reviewed(written(tmp_path / "clean.csv", many_findings(tmp_path / "photos", 10_000))) as server:
        page = opened(browser_page(), server.address)
        require_few_nodes(page, 5_000)
        page.locator(".finding").last.focus()
        before = focused(page)
        pressed(page, "s")
        page.wait_for_function("before => document.activeElement.textContent.indexOf(before) < 0", arg=before)
        progress(page, "1 of 10,000 decided")
        page.locator(".finding").first.get_by_text("class").first.wait_for()
        pressed(page, "k")
        page.wait_for_function(
            "before => document.activeElement.querySelector('h3')?.textContent == before", arg=before
        )
        require_few_nodes(page, 5_000)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_everyone_can_use_it(server: Reviewed, browser_page: OpenPage, width: int, dark: bool) -> None:
    page = opened(browser_page(width, 844, dark=dark), server.address)
    pressed(page, "j", "k", "s")
    progress(page, "1 of 7 decided")
    require_fitting(page)
    require_accessible(page)
    pressed(page, "r")
    require_fitting(page)
    require_accessible(page)
    pressed(page, "Escape", "?")
    require_accessible(page)
    pressed(page, "Escape")
    page.locator("button.picture").first.click()
    require_accessible(page)
    require_fitting(page)
    pressed(page, "Escape")
    page.route("**/changes*", lambda route: route.abort())
    page.get_by_role("alert").wait_for()
    require_accessible(page)


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_the_file_is_read_without_scripts_and_by_everyone(
    tmp_path: Path, browser_page: OpenPage, width: int, dark: bool
) -> None:
    rows = tuple(map(Row, findings_in(tmp_path)))
    file = tmp_path / "page.html"
    file.write_text(
        clean_page(CleanList(rows), ShownPhotos(classes=CLASSES, command="retrainer clean x")).html(), "utf-8"
    )
    plain = browser_page(width, 844, dark=dark, javascript=False)
    plain.goto(file.as_uri())
    assert plain.locator(".finding").count() == 8
    assert plain.locator(".finding img").count() == 10
    assert plain.locator(".filters").is_hidden()
    page = browser_page(width, 844, dark=dark)
    page.goto(file.as_uri())
    page.get_by_role("button", name="Copies 2").click()
    assert page.locator(".finding:visible").count() == 2
    require_fitting(page)
    require_accessible(page)
    require_no_requests(page)
    require_quiet(page)


def test_hostile_names_run_nothing(tmp_path: Path, browser_page: OpenPage) -> None:
    rows = hostile_findings([name[:1_000] for name in NAMES])
    file = tmp_path / "page.html"
    file.write_text(clean_page(CleanList(tuple(map(Row, rows))), ShownPhotos(classes=NAMES)).html(), "utf-8")
    page = browser_page()
    page.goto(file.as_uri())
    require_no_requests(page)
    require_quiet(page)
    with reviewed(written(tmp_path / "clean.csv", rows)) as server:
        page = opened(browser_page(), server.address)
        pressed(page, "j", "s", "r", "Escape")
        require_no_requests(page, server.address)
        assert page.evaluate("document.querySelectorAll('main script, main style').length") == 0


def test_a_note_that_is_being_written_survives_what_other_windows_do(server: Reviewed, browser_page: OpenPage) -> None:
    page = opened(browser_page(), server.address)
    pressed(page, "j", "n", *"sure")
    other = read_clean_list(server.path)
    write_clean_list(server.path, CleanList(other.rows[:-1]))
    page.locator(".filters [role=status]", has_text="all 7 shown").wait_for()
    said(page, "Note on roses/2.jpg")
    assert read_clean_list(server.path).rows[1].decision.note == "sure"
