"""The table of finders: who finds what, in which order."""

import pytest

from retrainer.findings import finders
from retrainer.findings.finders import FINDERS, find
from retrainer.photos.clean_list.finding import Finding, Kind


def test_findings_come_kind_by_kind_and_keep_the_order_of_their_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        [Finding(kind=Kind.DARK, path="1"), Finding(kind=Kind.COPY, path="2")],
        [Finding(kind=Kind.LABEL, path="3"), Finding(kind=Kind.LABEL, path="4")],
        [Finding(kind=Kind.COPY, path="5")],
    ]
    monkeypatch.setattr(finders, "FINDERS", tuple(lambda _, one=one: one for one in made))
    assert [finding.path for finding in find(None)] == ["3", "4", "2", "5", "1"]  # type: ignore[arg-type]
    assert len(FINDERS) >= 4
