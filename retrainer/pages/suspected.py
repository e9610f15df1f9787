"""What a notebook shows of photos that may be wrong."""

from collections.abc import Mapping, Sequence

from retrainer.pages.components import cut, cut_path, facts, name
from retrainer.pages.markup import Markup, element
from retrainer.pages.notebook import piece
from retrainer.pages.thumbnails import photo
from retrainer.photos.clean_list.finding import Finding
from retrainer.photos.clean_list.names import KIND_NAMES
from retrainer.photos.photo import content_of

_REASON = 240


def suspected_html(headline: str, described: Mapping[str, str], findings: Sequence[Finding]) -> str:
    """Findings: the headline, facts, and photos with reasons.

    Args:
        headline: How much was found.
        described: Facts, by their names.
        findings: Those whose photos are shown, the surest first.
    """

    def content() -> list[Markup]:
        shown = element("div", *map(_figure, findings), class_="photos")
        return [element("p", headline, class_="headline"), facts(described), shown]

    return piece(content)


def _figure(finding: Finding) -> Markup:
    caption = element(
        "figcaption",
        element("div", name(finding.label), ": ", element("b", KIND_NAMES[finding.kind][0].lower())),
        element("div", cut(finding.reason, _REASON)),
        element("div", element("bdi", cut_path(finding.path)), class_="quiet path"),
    )
    if not finding.path:
        return element("figure", caption)
    description = f"Photo of {cut(finding.label)}: {cut(finding.reason, _REASON)}"
    return element("figure", photo(lambda: content_of(finding.path), description), caption)
