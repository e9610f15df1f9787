"""Counts that are filters: buttons that show and hide items, with their state in the URL's fragment.

A page with them needs `scripts=["filters"]`. Without scripts the buttons are hidden and every item is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from retrainer.pages.blocks import expandable
from retrainer.pages.components import name
from retrainer.pages.markup import Markup, element
from retrainer.text import shown

# Buttons of a group that are seen at once; others are behind a line that opens them.
_FIRST = 16


@dataclass(frozen=True, kw_only=True)
class FilterGroup:
    """Buttons of which at most one is on.

    Attributes:
        name: What items call it, and its name in the URL.
        options: Value, text and number of items of each button.
        title: What stands before the buttons; the name if it is empty.
    """

    name: str
    options: Sequence[tuple[str, str, int]]
    title: str = ""


def filters(groups: Sequence[FilterGroup], title: str = "Filters") -> Markup:
    """Groups of buttons; an item is shown if it has the value that is on in each of them.

    Args:
        groups: At least one.
        title: What a screen reader calls them.
    """
    status = element("p", role="status", class_="quiet")
    everything = element("button", "Show all", type="button", data_all="", hidden="")
    line = element("div", status, everything, class_="filter-line")
    return element(
        "div", *map(_group, groups), line, class_="filters", role="group", aria_label=title, hidden="", data_script=""
    )


def filterable(tag: str, *content: str, of: Mapping[str, Sequence[str]], **attributes: str) -> Markup:
    """An element that filters show and hide.

    Args:
        tag: The element's name.
        content: Markup or plain text.
        of: Name of a filter -> the values for which it shows the element. Filters that are not named leave it alone;
            without a value an element is hidden while any is on.
        attributes: As for `element`.
    """
    return element(tag, *content, data_of=_query(of), **attributes)


def _group(group: FilterGroup) -> Markup:
    title = group.title or group.name
    buttons = [_button(*option) for option in group.options]
    rest = buttons[_FIRST:]
    label = element("span", title, class_="filter-name", aria_hidden="true")
    content = [label, *buttons[:_FIRST], *([expandable(f"{len(rest):,} more", *rest)] if rest else [])]
    return element("div", *content, class_="filter", role="group", aria_label=title, data_filter=shown(group.name))


def _button(value: str, text: str, count: int) -> Markup:
    content = (name(text), " ", element("b", f"{count:,}"))
    return element("button", *content, type="button", data_value=shown(value), aria_pressed="false")


def _query(values: Mapping[str, Sequence[str]]) -> str:
    """As URLSearchParams reads it. Text that no URL can hold is escaped first, the same in items and buttons."""
    pairs = ((key, value) for key, each in values.items() for value in (each or ("",)))
    return "&".join(f"{quote(shown(key), safe='')}={quote(shown(value), safe='')}" for key, value in pairs)
