"""What filters and the blocks of pages say without a browser."""

from urllib.parse import parse_qs

import pytest
from hostile import NAMES
from seen_html import Elements

from retrainer.pages.blocks import callout, expandable, more
from retrainer.pages.filters import FilterGroup, filterable, filters
from retrainer.pages.markup import element


def test_a_button_has_the_value_and_the_count_and_is_hidden_without_scripts() -> None:
    groups = [FilterGroup(name="finding", options=[("label", "Label errors", 1234)], title="what")]
    (whole, *_), seen = (found := Elements(filters(groups)).found), Elements(filters(groups))
    assert "hidden" in whole[1]
    assert "Label errors 1,234" in seen.text
    assert [each["data-value"] for tag, each in found if tag == "button" and "data-value" in each] == ["label"]
    assert [each.get("data-filter") for _, each in found if each.get("aria-label") == "what"] == ["finding"]


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 1000], ids=lambda name: ascii(name[:12]))
def test_an_item_and_the_button_for_it_agree_about_any_name(name: str) -> None:
    (item,) = Elements(filterable("li", "a", of={"class": [name, "b"], "none": []})).found
    values = parse_qs(str(item[1]["data-of"]), keep_blank_values=True)
    buttons = Elements(filters([FilterGroup(name="class", options=[(name, name, 1)])])).found
    (value,) = (each["data-value"] for _, each in buttons if "data-value" in each)
    assert values == {"class": [value, "b"], "none": [""]}


def test_of_many_options_the_first_are_seen_at_once() -> None:
    markup = filters([FilterGroup(name="class", options=[(f"{n}", f"class {n}", 1) for n in range(100)])])
    seen = Elements(markup)
    assert sum("data-value" in each for _, each in seen.found) == 100
    assert "class 15 184 moreclass 16 1" in seen.text


def test_more_is_silent_if_everything_is_shown() -> None:
    assert more(3, 3, "photos", "retrainer clean photos") == ""
    assert Elements(more(100, 1250, "photos", "retrainer clean")).text == (
        "1,150 more photos are not on this page. List them with:retrainer cleanCopy"
    )
    assert "on this page." in more(1, 2, "photos")


def test_blocks_escape_text() -> None:
    assert callout("<a>", "<b>", "bad").startswith('<div class="callout bad"><p>&lt;a&gt;</p>')
    assert expandable("<a>", element("p", "b"), start_open=True) == (
        '<details open=""><summary>&lt;a&gt;</summary><p>b</p></details>'
    )
