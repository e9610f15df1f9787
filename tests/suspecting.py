"""Stands in for the finders: suspects the first two photos of each class."""

from retrainer.findings.finders import Seen
from retrainer.photos.clean_list.finding import Action, Finding, Kind


def suspects(seen: Seen) -> list[Finding]:
    """A wrong label for each `000.jpg`; a copy for the first of them, and for each `001.jpg`."""
    evidence = seen.evidence
    first, second = (
        [row for row, path in enumerate(evidence.dataset.paths) if path.endswith(name)]
        for name in ("000.jpg", "001.jpg")
    )
    labels = [
        evidence.finding(row, Kind.LABEL, 0.9, "Looks like red (0.90).", suggestion=Action.RELABEL, new_label="red")
        for row in first
    ]
    copies = [
        evidence.finding(row, Kind.COPY, 1.0, "The same file again.", suggestion=Action.SET_ASIDE)
        for row in [*first[:1], *second]
    ]
    return [*labels, *copies]
