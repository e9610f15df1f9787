"""A page with every component that pages have, of photos made on the spot."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from pictures import photo, saved

from retrainer.pages.blocks import (
    FigureCard,
    callout,
    cards,
    chip,
    expandable,
    figure_cards,
    maps_switch,
    more,
    photo_card,
)
from retrainer.pages.charts import Curve, Point, chart
from retrainer.pages.components import bars, confusion_matrix, cut, facts, name
from retrainer.pages.filters import FilterGroup, filterable, filters
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.page import Page, Section
from retrainer.pages.thumbnails import Thumbnails

LABELS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
KINDS = {"label": "Label errors", "copy": "Copies", "outlier": "Outliers"}
CARDS = 60
ACTIVATION = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)


def demo(labels: Sequence[str] = LABELS, command: str = "retrainer clean photos --interactive") -> Page:
    """Shows at least 60 findings of 1,250, which filters show by kind and class."""
    count = max(CARDS, len(labels))
    thumbnails = Thumbnails(lambda path: _content(int(path[-1])))
    paths = [f"photos/{labels[n % len(labels)]}/{n % 6}" for n in range(count)]
    thumbnails.prepare(paths)
    shown = cards((_card(n, labels, path, thumbnails) for n, path in enumerate(paths)), "Findings")
    kinds = [(kind, text, len(range(n, count, len(KINDS)))) for n, (kind, text) in enumerate(KINDS.items())]
    classes = [(label, label, count // len(labels)) for label in labels]
    groups = [
        FilterGroup(name="finding", options=kinds),
        FilterGroup(name="class", options=classes, title="class given"),
    ]
    switch = maps_switch("Show where the model looks")
    return Page(
        title=f"Photos of {labels[0]}",
        lead=_lead(command),
        sections=[
            Section(
                "Findings",
                [
                    filters(groups),
                    switch,
                    shown,
                    more(count, 1250, "findings", command),
                ],
                "findings",
            ),
            Section("Confusions", _confusions(labels[:20])),
            Section("Curves", _curves(labels)),
            Section("The record", _record(labels, command), short="Record"),
        ],
        scripts=["filters"],
    )


@cache
def _content(seed: int) -> bytes:
    return saved(photo(seed).resize((300, 200)), "JPEG")


def _lead(command: str) -> list[Markup]:
    figures = [
        FigureCard(name="Accuracy", value="92.8 %", note="91.2 to 94.1 % with 95 % confidence", tone="good"),
        FigureCard(name="Baseline", value="24.1 %", note="always the largest class"),
        FigureCard(name="Weakest class", value="tulips", note="recall 86.4 %", tone="warning"),
        FigureCard(name="Suspicious photos", value="34", note="of 1,250", tone="bad"),
    ]
    return [
        element("p", "The model is right about most photos; tulips are taken for roses.", class_="headline"),
        figure_cards(figures),
        callout("Look at the 34 photos that are probably wrong, then train again.", command),
        callout("Two photos of the test part are copies of training photos.", tone="warning"),
    ]


def _card(number: int, labels: Sequence[str], path: str, thumbnails: Thumbnails) -> Markup:
    kind, label, other = (
        list(KINDS)[number % len(KINDS)],
        labels[number % len(labels)],
        labels[(number + 1) % len(labels)],
    )
    picture = thumbnails.photo(path, f"Photo of {cut(label)}, predicted {cut(other)} with score 97.1 %", ACTIVATION)
    words = element("span", name(label), " → ", name(other))
    lines = photo_card(picture, words, chip(KINDS[kind], "warning" if kind == "label" else ""), path=path)
    return filterable("li", *lines, of={"finding": [kind], "class": [label]}, class_="card")


def _confusions(labels: Sequence[str]) -> list[Markup]:
    count = len(labels)
    confusion = [[40 if own == other else (own * other) % 4 for other in range(count)] for own in range(count)]
    return [confusion_matrix(labels, confusion, lambda *_: "findings")]


def _curves(labels: Sequence[str]) -> list[Markup]:
    points = [Point(f"{n * 100:,}", 0.7 + n / 50, (0.68 + n / 50, 0.72 + n / 50)) for n in range(1, 10)]
    return [
        chart("Learning curve", "training photos", [Curve("accuracy", points)]),
        bars("Scores", [(labels[0], 0.8), (labels[-1], 0.2)]),
    ]


def _record(labels: Sequence[str], command: str) -> list[Markup]:
    rows = [(name(label), f"{n}", f"{n * n}", chip("small", "bad") if n == 0 else "") for n, label in enumerate(labels)]
    return [
        table("Photos of each class", ["class", "training", "testing", "note"], rows),
        facts({"Model": "retrained_graph.pb", "Backbone": labels[0]}),
        expandable("What was skipped", element("p", f"photos/{labels[-1]}/broken.jpg: no picture")),
        element("pre", command),
    ]
