"""What pages and notebooks show of a model: names, tables of classes and of confusions, bars.

Components have classes and no `style` attributes, so that the policy of a page allows them; `style.py` draws them.
"""

from collections.abc import Callable, Mapping, Sequence

from retrainer.measuring.assessment import ClassFigures
from retrainer.measuring.shares import percent
from retrainer.pages.markup import Markup, element, table
from retrainer.text import counted, shown

_LONGEST, _LONGEST_PATH, _LONGEST_TITLE = 40, 36, 120
# Of more classes the worst are listed, and of more confusions the most frequent.
_CLASSES, _CONFUSIONS = 20, 20
# Shades of a cell, from nearly none to full.
_SHADES = 9


def cut(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, after `shown`; of a long one the beginning."""
    text = shown(text if len(text) <= longest else text[: longest + 1])
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_path(path: str, longest: int = _LONGEST_PATH) -> str:
    """A path on one line, after `shown`; of a long one the end, which tells more."""
    text = shown(path[-longest - 1 :])
    return text if len(text) <= longest else f"…{text[1 - longest :]}"


def name(text: str) -> Markup:
    """A label that leaves the text around it where it is, whatever its direction; of a long one the beginning."""
    short = cut(text)
    whole = cut(text, _LONGEST_TITLE)
    return element("bdi", short) if short == whole else element("bdi", short, title=whole)


def class_table(classes: Sequence[ClassFigures]) -> Markup:
    """The figures of classes; of many classes those with the lowest F1."""
    listed, caption = classes, "Classes"
    if len(classes) > _CLASSES:
        listed = sorted(classes, key=lambda one: 2.0 if one.f1 is None else one.f1)[:_CLASSES]
        caption = f"The {len(listed)} classes with the lowest F1, of {len(classes):,}"
    rows = [(name(one.label), *map(_share, (one.precision, one.recall, one.f1)), f"{one.support:,}") for one in listed]
    return table(caption, ("class", "precision", "recall", "F1", "photos"), rows)


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Markup:
    """How many photos of each class were predicted as each class; of many classes the most frequent confusions.

    Args:
        labels: The C labels.
        confusion: C rows of C numbers; a row is a true class.
    """
    if len(labels) > _CLASSES:
        return frequent_confusions(labels, confusion)
    return confusion_matrix(labels, confusion)


def confusion_matrix(
    labels: Sequence[str], confusion: Sequence[Sequence[int]], place: Callable[[int, int], str] | None = None
) -> Markup:
    """How many photos of each class were predicted as each class.

    Args:
        labels: The C labels.
        confusion: C rows of C numbers; a row is a true class.
        place: True class, predicted class -> the id of the place in the page that shows the photos of a cell; "" if
            there is none.
    """
    caption = "Confusion matrix: true class in rows, predicted in columns"
    names = [name(label) for label in labels]
    head = element("tr", element("td"), *(element("th", each, scope="col", class_="tall") for each in names))
    body = [
        element("tr", element("th", names[own], scope="row"), *_cells(labels, own, row, place))
        for own, row in enumerate(confusion)
    ]
    content = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", content, class_="scroll matrix", role="region", tabindex="0", aria_label="Confusion matrix")


def frequent_confusions(
    labels: Sequence[str], confusion: Sequence[Sequence[int]], place: Callable[[int, int], str] | None = None
) -> Markup:
    """The most frequent confusions; the arguments are those of `confusion_matrix`."""
    frequent = confused_pairs(confusion)
    listed = frequent[:_CONFUSIONS]
    if not listed:
        return element("p", "No class was confused with another.")
    caption = f"The {len(listed)} most frequent confusions" if len(frequent) > len(listed) else "All confusions"
    rows = [
        (name(labels[own]), name(labels[other]), _linked(labels, own, other, confusion[own][other], place))
        for own, other in listed
    ]
    return table(caption, ("true class", "predicted", "photos"), rows)


def confused_pairs(confusion: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Pairs of true class and another one that some of its photos were predicted as, the most frequent first."""
    pairs = [(n, own, other) for own, row in enumerate(confusion) for other, n in enumerate(row) if n and own != other]
    return [(own, other) for _, own, other in sorted(pairs, key=lambda pair: -pair[0])]


def bars(caption: str, ranking: Sequence[tuple[str, float]]) -> Markup:
    """Labels with their scores (0 to 1) as bars and in percent."""
    body = [
        element(
            "tr", element("th", name(label), scope="row"), element("td", _bar(score)), element("td", percent(score))
        )
        for label, score in ranking[:_CLASSES]
    ]
    return element("table", element("caption", caption), element("tbody", *body), class_="bars")


def facts(values: Mapping[str, str], longest: int = _LONGEST_TITLE) -> Markup:
    """Names and values, one a line; of a long value the end, which tells more of a path."""
    pairs = ((element("dt", key), element("dd", cut_path(value, longest))) for key, value in values.items())
    return element("dl", *(piece for pair in pairs for piece in pair))


def _cells(
    labels: Sequence[str], own: int, row: Sequence[int], place: Callable[[int, int], str] | None
) -> list[Markup]:
    """The cells of a true class; the larger its share of the class, the darker a cell."""
    total = max(1, sum(row))
    cells = []
    for other, count in enumerate(row):
        shade = -(-_SHADES * count // total)
        kind = "right" if own == other else "wrong"
        cells.append(element("td", _linked(labels, own, other, count, place), class_=f"{kind} shade{shade}"))
    return cells


def _linked(
    labels: Sequence[str], own: int, other: int, count: int, place: Callable[[int, int], str] | None
) -> str | Markup:
    """The number of a cell, as a link to its photos if there is a place for them."""
    where = place(own, other) if place and count else ""
    if not where:
        return f"{count:,}"
    said = f"{counted(count, 'photo')} of {cut(labels[own])} predicted as {cut(labels[other])}"
    return element("a", f"{count:,}", href=f"#{where}", aria_label=said)


def _bar(score: float) -> Markup:
    width = f"{100 * min(max(0.0, score), 1.0):.1f}"
    bar = element("rect", width=width, height="10")
    return element("svg", bar, class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
