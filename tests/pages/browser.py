"""A browser for tests of pages: Chromium driven by Playwright, with axe's rules of accessibility."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Whoever may run as root in a container has no sandbox, and little of /dev/shm.
_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# These two take a hundred times as long as others. They judge the first of elements that are alike.
_SLOW_RULES = ("color-contrast", "target-size")
_ALIKE = "li:nth-of-type(n+6), article:nth-of-type(n+6), tr:nth-of-type(n+10), details:nth-of-type(n+5)"
# What is closed, or drawn only when it is near, is judged, too. The policy of a page lets no test add a style element.
_DRAW_ALL = """() => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { content-visibility: visible !important; scroll-behavior: auto !important; }");
    document.adoptedStyleSheets = [sheet];
}"""
_TAKE_AWAY = """(selector) => {
    window.taken = [...document.querySelectorAll(selector)].map((part) => [part, document.createComment("")]);
    for (const [part, mark] of taken) part.replaceWith(mark);
}"""
_BRING_BACK = "for (const [part, mark] of taken.reverse()) mark.replaceWith(part)"


@dataclass
class _Seen:
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


_SEEN: "WeakKeyDictionary[Page, _Seen]" = WeakKeyDictionary()
# Width, height, dark, javascript -> a page of its own.
OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser for a module. It ends with the tests there: Playwright's event loop would be in the way of others."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; on Debian: apt install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(browser: "Browser") -> "Iterator[OpenPage]":
    """A function that opens an empty page: width, height, dark=False, javascript=True, and more of Playwright's."""
    contexts = []

    def opened(
        width: int = 1280, height: int = 800, *, dark: bool = False, javascript: bool = True, **more: object
    ) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",
            **more,  # type: ignore[arg-type]
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        _watch(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def require_accessible(page: "Page") -> None:
    """Fails if axe finds anything against WCAG 2.2 AA, contrast included, in all that the page holds."""
    from axe_playwright_python.sync_playwright import Axe

    def require_none(rules: dict[str, object]) -> None:
        found = Axe().run(page, options={**rules, "resultTypes": ["violations"], "preload": False})
        assert found.violations_count == 0, found.generate_report()

    page.evaluate(_DRAW_ALL)
    require_none({"runOnly": _TAGS, "rules": {rule: {"enabled": False} for rule in _SLOW_RULES}})
    page.evaluate(_TAKE_AWAY, _ALIKE)
    require_none({"runOnly": _SLOW_RULES})
    page.evaluate(_BRING_BACK)


def require_no_requests(page: "Page", own: str = "") -> None:
    """Fails if a page asked for anything but itself and pictures inside it, or for addresses that begin with `own`."""
    address = page.url.partition("#")[0]
    wrong = [
        url
        for url in _SEEN[page].requests
        if url.partition("#")[0] != address and not url.startswith("data:") and not (own and url.startswith(own))
    ]
    assert not wrong, wrong


def require_quiet(page: "Page") -> None:
    """Fails if a page showed a dialog, failed in a script, wrote to the console, or broke its policy."""
    assert not _SEEN[page].complaints, _SEEN[page].complaints


def require_fitting(page: "Page") -> None:
    """Fails if a page is wider than its window."""
    wide, inside = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= inside, (wide, inside)


def require_few_nodes(page: "Page", most: int = 15_000) -> None:
    """Fails if a page has more elements than a browser handles with ease."""
    assert page.evaluate("document.getElementsByTagName('*').length") <= most


def state_of(page: "Page") -> dict[str, str]:
    """The state in the URL's fragment."""
    state: dict[str, str] = json.loads(
        page.evaluate("JSON.stringify(Object.fromEntries(new URLSearchParams(location.hash.slice(1))))")
    )
    return state


def _watch(page: "Page") -> None:
    seen = _SEEN[page] = _Seen()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: seen.complaints.append(f"script: {error}"))

    def dismiss(dialog: object) -> None:
        seen.complaints.append("dialog")
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", dismiss)
    page.on("popup", lambda other: seen.complaints.append(f"window: {other.url}"))
