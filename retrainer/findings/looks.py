"""Findings about the looks of photos: dark, light, blurry, empty, odd in shape.

All figures come from the fingerprints and looks of the cache, so no photo is read. What half of the photos show is
the nature of the set, and nothing that is wrong with a photo.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Floats
from retrainer.findings.evidence import Evidence
from retrainer.findings.measured import Measured
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.photos.copies.fingerprints import Fingerprints, colours, greys

# Each of these limits gives no false alarm on 1,250 flowers and 245 clothes, so that at most 1 in 500 photos is one
# (the 95 % bound). After each limit: the extreme of these photos, and what photos reach that were spoilt on purpose.
DARK = 0.16  # brightness of the brightest hundredth, 0 to 1: 0.32 at least; darkened to a tenth: 0.10 at most
LIGHT = 0.88  # brightness of the darkest hundredth: 0.69 at most; white: 1
EMPTY = 0.005  # standard deviation of brightness or colour: 0.053 at least; one colour: 0; darkened: 0.0052 at least
BLURRY = 0.09  # sharpness: 0.131 at least; Gaussian blur of 1.5 % of the shorter side: below it for 99.5 %
LONG = 4.0  # longer side divided by the shorter one: 2.9 at most
SMALL = 32  # shorter side, pixels: 152 at least
USUAL = 0.5
_HUNDREDTH = 0.01
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class _Figure:
    """A figure by which photos are found.

    Attributes:
        kind: What is wrong with photos beyond the limit.
        values: The figure of each photo, `(N,)`; NaN if it has none.
        limit: Photos are found below it, or above it.
        extreme: The figure of the worst photos.
        words: A sentence with `{value}`, and with `{usual}`: what `{others}` exceed, 99 of 100 photos or half of few.
        text: Writes a value.
    """

    kind: Kind
    values: Floats
    limit: float
    extreme: float
    words: str
    text: Callable[[float], str] = "{:.2f}".format

    @property
    def found(self) -> Bools:
        """Which photos lie beyond the limit, `(N,)`; none if half of them do."""
        beyond = self.values < self.limit if self.extreme < self.limit else self.values > self.limit
        return np.asarray(beyond & (beyond.mean() < USUAL))

    @property
    def scores(self) -> Floats:
        """From 0.5 at the limit to 1 at the extreme, `(N,)`."""
        share = (self.values - self.limit) / (self.extreme - self.limit)
        return np.asarray(0.5 + 0.5 * share.clip(0, 1), np.float32)

    def reasons(self) -> Callable[[int], str]:
        """Returns a function that says why the photo of a row is found."""
        known = self.values[np.isfinite(self.values) & ~self.found]
        many = len(known) >= 1 / _HUNDREDTH
        share = (_HUNDREDTH if self.extreme < self.limit else 1 - _HUNDREDTH) if many else 0.5
        usual = self.text(float(np.quantile(known, share)))
        others = "99 of 100 other photos here" if many else "half of the other photos here"
        return lambda row: self.words.format(value=self.text(float(self.values[row])), usual=usual, others=others)


def look_findings(evidence: Evidence, measured: Measured) -> list[Finding]:
    """Returns the photos that are dark, light, blurry, empty or odd in shape; of each kind the worst first.

    It is suggested to set aside what shows nothing, and the others if the scores do not recognise their class.
    """
    if not len(evidence.dataset.paths):
        return []
    recognised = evidence.scores.argmax(axis=1) == evidence.dataset.label_ids
    findings = []
    for figure in _figures(measured):
        rows = np.flatnonzero(figure.found)
        if not len(rows):
            continue
        reason, scores = figure.reasons(), figure.scores
        for row in rows[np.argsort(-scores[rows], kind="stable")].tolist():
            useless = figure.kind is Kind.EMPTY or not recognised[row]
            suggestion = Action.SET_ASIDE if useless else Action.NONE
            found = evidence.finding(row, figure.kind, scores[row], reason(row), suggestion=suggestion)
            findings.append(found)
    return findings


def _figures(measured: Measured) -> list[_Figure]:
    looks = measured.looks
    brightest, darkest, contrast = _brightness(measured.fingerprints)
    sides = np.stack([looks.widths, looks.heights], axis=1).astype(np.float32)
    sides[sides[:, 0] == 0] = np.nan
    shorter, longer = sides.min(axis=1), sides.max(axis=1)
    ratios = longer / shorter
    # Sharpness means nothing without contrast.
    plain = (brightest < DARK) | (darkest > LIGHT) | (contrast < EMPTY)
    sharpness = np.where(plain, np.nan, looks.sharpness)
    return [
        _Figure(
            Kind.DARK, brightest, DARK, 0,
            "Even the brightest hundredth has brightness {value}; in {others} it has more than {usual}.",
        ),
        _Figure(
            Kind.LIGHT, darkest, LIGHT, 1,
            "Even the darkest hundredth has brightness {value}; in {others} it has less than {usual}.",
        ),
        _Figure(Kind.EMPTY, contrast, EMPTY, 0, "Contrast {value}; {others} have more than {usual}.", "{:.3f}".format),
        _Figure(Kind.BLURRY, sharpness, BLURRY, 0, "Sharpness {value}; {others} have more than {usual}."),
        _Figure(
            Kind.SHAPE, ratios, LONG, 10 * LONG,
            "The longer side is {value} times the shorter one; in {others} it is at most {usual} times as long.",
            "{:,.1f}".format,
        ),
        _Figure(
            Kind.SHAPE, np.where(ratios > LONG, np.nan, shorter), SMALL, 1,
            "The shorter side has {value}; in {others} it has at least {usual}.", _pixels,
        ),
    ]  # fmt: skip


def _pixels(count: float) -> str:
    return f"{count:,.0f} pixel{'' if count == 1 else 's'}"


def _brightness(prints: Fingerprints) -> tuple[Floats, Floats, Floats]:
    """The brightness of each photo's brightest and darkest hundredth, and its contrast, each `(N,)`, 0 to 1."""
    figures = []
    for start in range(0, len(prints), _AT_ONCE):
        some = prints[start : start + _AT_ONCE]
        grey = greys(some).reshape(len(some), -1)
        hues = colours(some).reshape(len(some), 2, -1)
        darkest, brightest = np.quantile(grey, [_HUNDREDTH, 1 - _HUNDREDTH], axis=1)
        # Colours are stored halved.
        contrast = np.maximum(grey.std(axis=1), 2 * hues.std(axis=2).max(axis=1))
        figures.append(np.stack([brightest, darkest, contrast]) / 255)
    brightest, darkest, contrast = np.concatenate(figures, axis=1).astype(np.float32)
    return brightest, darkest, contrast
