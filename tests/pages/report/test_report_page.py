"""A report shows what is known, says in a sentence what is not, and stays small."""

import pytest
from report_demo import bad, empty, good
from seen_html import Elements

from retrainer.pages.report.page import report_page


@pytest.mark.parametrize("make", [good, bad, empty], ids=lambda make: make.__name__)
def test_the_same_contents_give_the_same_page(make) -> None:  # type: ignore[no-untyped-def]
    first, second = (report_page(make()).html() for _ in range(2))
    assert first == second


def test_what_is_unknown_is_a_sentence() -> None:
    text = Elements(report_page(empty()).html()).text
    assert "No photo tested the model, so what it confuses is unknown." in text
    assert "None" not in text
    assert "nan" not in text
