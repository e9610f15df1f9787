"""The filters of the page of findings, with their counts."""

from collections import Counter
from collections.abc import Mapping

from retrainer.pages.clean.deck import CLASS, DECISION, FINDING, PART
from retrainer.pages.clean.words import PARTS, part_photo
from retrainer.pages.components import cut
from retrainer.pages.filters import FilterGroup, filters
from retrainer.pages.markup import Markup, element
from retrainer.photos.clean_list.finding import Kind
from retrainer.photos.clean_list.names import KIND_NAMES

# Classes that have a button; those with the most findings.
_CLASSES = 20


def clean_filters(counts: Mapping[str, Counter[str]]) -> list[Markup]:
    """Filters by finding, class, part and decision, from `counts_of`."""
    findings = [(value, KIND_NAMES[Kind(value)][1], count) for value, count in counts[FINDING].items()]
    classes = [(label, cut(label), count) for label, count in sorted(counts[CLASS].items())]
    if len(classes) > _CLASSES:
        often = dict(counts[CLASS].most_common(_CLASSES))
        classes = [option for option in classes if option[0] in often]
    ordered = {part: counts[PART][part] for part in (*PARTS, *counts[PART]) if part in counts[PART]}
    parts = [(part, f"{part_photo(part)}s", count) for part, count in ordered.items()]
    decisions = [(value, value, count) for value, count in counts[DECISION].items()]
    groups = [
        FilterGroup(name=FINDING, options=findings),
        FilterGroup(name=CLASS, options=classes),
        FilterGroup(name=PART, options=parts),
        FilterGroup(name=DECISION, options=decisions),
    ]
    left = len(counts[CLASS]) - len(classes)
    more = [element("p", f"{left:,} classes with fewer findings have no button.", class_="quiet")] if left else []
    return [filters([group for group in groups if group.options], "Which findings are shown"), *more]
