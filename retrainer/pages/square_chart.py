"""A chart of two shares and its diagonal, as SVG that is made once, with its figures as a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from retrainer.measuring.shares import percent
from retrainer.pages.charts import key_of
from retrainer.pages.markup import Markup, element, table

_SIDE, _LEFT, _RIGHT, _TOP, _BOTTOM = 240, 44, 24, 10, 34


@dataclass(frozen=True)
class Spot:
    """A place in a square chart, both shares 0 to 1, and how many photos it stands for."""

    across: float
    up: float
    count: int


def square_chart(caption: str, axes: tuple[str, str], spots: Sequence[Spot]) -> Markup:
    """Draws spots from 0 to 1 and the diagonal on which both shares are equal; a larger spot stands for more photos.

    Args:
        caption: What the chart shows.
        axes: What the shares across and up are.
        spots: In order from left to right, at least one.
    """
    most = max(spot.count for spot in spots)
    places = [(_across(spot.across), _down(spot.up), spot) for spot in spots]
    line = element("polyline", class_="curve solid", points=" ".join(f"{x},{y}" for x, y, _ in places))
    dots = [
        element("circle", class_="dot", cx=x, cy=y, r=f"{2 + 5 * math.sqrt(spot.count / most):.1f}")
        for x, y, spot in places
    ]
    ends = {"x1": _across(0), "y1": _down(0), "x2": _across(1), "y2": _down(1)}
    diagonal = element("line", class_="curve dashed", **ends)
    title = element("title", f"{caption}. The table below has the same figures.")
    drawn = [*_frame(axes), diagonal, line, *dots]
    box = f"0 0 {_SIDE + _LEFT + _RIGHT} {_SIDE + _TOP + _BOTTOM}"
    picture = element("svg", title, *drawn, class_="chart square", viewBox=box, role="img")
    keys = (("solid", axes[1]), ("dashed", "perfectly calibrated"))
    legend = (element("span", key_of(style), f" {text}") for style, text in keys)
    shown = element("figure", element("figcaption", caption), picture, element("div", *legend, class_="legend"))
    rows = [(percent(spot.across), percent(spot.up), f"{spot.count:,}") for spot in spots]
    figures = table(caption, (*axes, "photos"), rows)
    return element("div", shown, element("details", element("summary", "Figures of the chart"), figures))


def _across(share: float) -> str:
    return f"{_LEFT + _SIDE * share:.1f}"


def _down(share: float) -> str:
    return f"{_TOP + _SIDE * (1 - share):.1f}"


def _frame(axes: tuple[str, str]) -> list[Markup]:
    """Lines from 0 to 1, and what stands beside and below them."""
    drawn = []
    for tick in range(0, 101, 25):
        x, y = _across(tick / 100), _down(tick / 100)
        drawn.append(element("line", class_="grid", x1=_across(0), x2=_across(1), y1=y, y2=y))
        drawn.append(element("line", class_="grid", x1=x, x2=x, y1=_down(0), y2=_down(1)))
        drawn.append(element("text", f"{tick} %", x=f"{_LEFT - 6}", y=y, dy="0.32em", text_anchor="end"))
        drawn.append(element("text", f"{tick} %", x=x, y=f"{_TOP + _SIDE + 14}", text_anchor="middle"))
    drawn.append(element("text", axes[0], x=_across(0.5), y=f"{_TOP + _SIDE + 30}", text_anchor="middle"))
    return drawn
