"""Curves as SVG that is made once, each with its figures as a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from retrainer.measuring.shares import between, percent
from retrainer.pages.markup import Markup, element, table

_WIDTH, _HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 34
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2)
_LINES = ("solid", "dashed")


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        name: What stands below it, such as `1,000`.
        share: The height of the curve, 0 to 1.
        interval: The ends of the bar through it, 0 to 1; None draws none.
    """

    name: str
    share: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Curve:
    """A curve with its name; points stand at equal distances. A point whose share is not finite is left out."""

    name: str
    points: Sequence[Point]


def chart(caption: str, axis: str, curves: Sequence[Curve]) -> Markup:
    """Draws one curve or two over the same points.

    Args:
        caption: What the chart shows.
        axis: What the names of the points are.
        curves: Curves with as many points each, at least one.
    """
    points = [point for curve in curves for point in curve.points if math.isfinite(point.share)]
    ends = [end for point in points for end in (point.share, *(point.interval or ()))]
    if not ends:
        return element("p", f"{caption}: not measured.")
    scale = _Scale.of(ends, len(curves[0].points))
    lines = [line for curve, style in zip(curves, _LINES, strict=False) for line in _drawn(curve, style, scale)]
    names = [point.name for point in curves[0].points]
    title = element("title", f"{caption}. The table below has the same figures.")
    picture = element(
        "svg", title, *_frame(scale, names, axis), *lines, class_="chart", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img"
    )
    legend = [element("span", key_of(style), f" {curve.name}") for curve, style in zip(curves, _LINES, strict=False)]
    shown = element("figure", element("figcaption", caption), picture, element("div", *legend, class_="legend"))
    figures = table(caption, (axis, *(curve.name for curve in curves)), _rows(names, curves))
    return element("div", shown, element("details", element("summary", "Figures of the curve"), figures))


def interval_bar(share: float, interval: tuple[float, float]) -> Markup:
    """A share and its interval, all 0 to 1, on a line from 0 to 1. Their figures must stand beside it."""
    low, high = (f"{100 * end:.1f}" for end in interval)
    axis = element("line", class_="grid", x1="0", x2="100", y1="6", y2="6")
    span = element("line", class_="span", x1=low, x2=high, y1="6", y2="6")
    dot = element("circle", class_="dot", cx=f"{100 * share:.1f}", cy="6", r="2.5")
    return element("svg", axis, span, dot, class_="range", viewBox="-4 0 108 12", aria_hidden="true")


@dataclass(frozen=True)
class _Scale:
    """Shares from `low` to `high`, a line every `step`, and `count` points -> places in the picture."""

    low: float
    high: float
    step: float
    count: int

    @classmethod
    def of(cls, shares: Sequence[float], count: int) -> "_Scale":
        span = max(shares) - min(shares)
        step = next((step for step in _TICKS if span <= 4 * step), _TICKS[-1])
        low, high = math.floor(min(shares) / step), math.ceil(max(shares) / step)
        return cls(low * step, (high + (high == low)) * step, step, count)

    def across(self, number: int) -> str:
        width = _WIDTH - _LEFT - _RIGHT
        return f"{_LEFT + width * (number + 0.5) / self.count:.1f}"

    def down(self, share: float) -> str:
        height = _HEIGHT - _TOP - _BOTTOM
        return f"{_TOP + height * (self.high - share) / (self.high - self.low):.1f}"

    def ticks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def _frame(scale: _Scale, names: Sequence[str], axis: str) -> list[Markup]:
    """The lines of the scale, and what stands beside and below them."""
    drawn = []
    for share in scale.ticks():
        y = scale.down(share)
        drawn.append(element("line", class_="grid", x1=f"{_LEFT}", x2=f"{_WIDTH - _RIGHT}", y1=y, y2=y))
        text = f"{100 * share:.0f} %"
        drawn.append(element("text", text, x=f"{_LEFT - 6}", y=y, dy="0.32em", text_anchor="end"))
    # So many names that they would touch are thinned.
    every = -(-len(names) * max(map(len, names)) // 40)
    for number, text in enumerate(names):
        if number % every == 0:
            x = scale.across(number)
            drawn.append(element("text", text, x=x, y=f"{_HEIGHT - _BOTTOM + 14}", text_anchor="middle"))
    middle = f"{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}"
    drawn.append(element("text", axis, x=middle, y=f"{_HEIGHT - 4}", text_anchor="middle"))
    return drawn


def _drawn(curve: Curve, style: str, scale: _Scale) -> list[Markup]:
    """A line through the points, and a mark on each of them."""
    places = [(scale.across(n), p) for n, p in enumerate(curve.points) if math.isfinite(p.share)]
    line = " ".join(f"{x},{scale.down(point.share)}" for x, point in places)
    drawn = [element("polyline", class_=f"curve {style}", points=line)]
    for x, point in places:
        if point.interval:
            low, high = map(scale.down, point.interval)
            drawn.append(element("line", class_="curve", x1=x, x2=x, y1=low, y2=high))
        drawn.append(element("circle", class_="dot", cx=x, cy=scale.down(point.share), r="3"))
    return drawn


def key_of(style: str) -> Markup:
    """A piece of a line, for a legend."""
    line = element("line", class_=f"curve {style}", x1="0", x2="24", y1="5", y2="5")
    return element("svg", line, class_="key", viewBox="0 0 24 10", aria_hidden="true")


def _rows(names: Sequence[str], curves: Sequence[Curve]) -> list[tuple[str, ...]]:
    return [(text, *(_figure(curve.points[number]) for curve in curves)) for number, text in enumerate(names)]


def _figure(point: Point) -> str:
    if not math.isfinite(point.share):
        return "-"
    return percent(point.share) + (f" ({between(point.interval)})" if point.interval else "")
