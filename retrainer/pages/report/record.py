"""What a report keeps of the run: copies, what was left out, the split, the command and the model card."""

from itertools import islice

from retrainer.pages.blocks import command_line, more
from retrainer.pages.components import cut, cut_path, facts, name
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures

_SHOWN, _LONGEST, _LONGEST_PATH = 20, 400, 80
# Of more classes those with the fewest training photos are listed.
_CLASSES = 50


def copies(contents: ReportContents, _: Pictures) -> Section:
    """What is known of copies and leaks."""
    said = contents.copies or ["Whether there are copies or leaks is unknown."]
    return Section("Copies and leaks", [element("p", cut(one, _LONGEST)) for one in said])


def left_out(contents: ReportContents, _: Pictures) -> Section:
    """The files that were left out with their reasons, and the warnings."""
    return Section(
        "Left out, and warnings", [*_skipped(contents), *_warnings(contents), *_notes(contents)], short="Left out"
    )


def _skipped(contents: ReportContents) -> list[Markup]:
    rows = [
        (element("bdi", cut_path(path, _LONGEST_PATH)), cut(reason, _LONGEST))
        for path, reason in islice(contents.skipped.items(), _SHOWN)
    ]
    if not rows:
        return [element("p", "No file was left out.")]
    caption = f"Files and folders that were left out: {len(contents.skipped):,}"
    listed = element("div", table(caption, ("file or folder", "reason"), rows), class_="paths")
    return [listed, more(len(rows), len(contents.skipped), "files and folders")]


def _warnings(contents: ReportContents) -> list[Markup]:
    listed = [element("li", cut(one, _LONGEST)) for one in contents.warnings[:_SHOWN]]
    if not listed:
        return [element("p", "The run warned of nothing.")]
    left = more(len(listed), len(contents.warnings), "warnings")
    return [element("h3", "Warnings"), element("ul", *listed), left]


def _notes(contents: ReportContents) -> list[Markup]:
    listed = [element("li", cut(one, _LONGEST)) for one in contents.notes[:_SHOWN]]
    return [element("h3", "What this report lacks"), element("ul", *listed)] if listed else []


def split(contents: ReportContents, _: Pictures) -> Section:
    """How many photos of each class train, validate and test."""
    if not contents.split:
        return Section("Split", [element("p", "The split is unknown.")])
    totals = tuple(sum(parts[n] for parts in contents.split.values()) for n in range(3))
    listed, caption = list(contents.split.items()), "Photos of each class"
    if len(listed) > _CLASSES:
        listed = sorted(listed, key=lambda pair: pair[1][0])[:_CLASSES]
        caption = f"The {_CLASSES} classes with the fewest training photos, of {len(contents.split):,}"
    rows = [_counts("all classes", totals), *(_counts(name(label), parts) for label, parts in listed)]
    return Section("Split", [table(caption, ("class", "training", "validation", "testing", "all"), rows)])


def command(contents: ReportContents, _: Pictures) -> Section:
    """The command that reproduces the run."""
    known = command_line(contents.command) if contents.command else element("p", "The command is unknown.")
    return Section("Reproduce it", [known])


def card(contents: ReportContents, _: Pictures) -> Section:
    """The model card."""
    parts = [
        piece
        for heading, values in contents.card.items()
        for piece in (element("h3", cut(heading)), facts(values, _LONGEST))
    ]
    return Section("Model card", parts or [element("p", "Nothing else is known of the model.")])


def _counts(first: str, parts: tuple[int, ...]) -> tuple[str, ...]:
    return (first, *(f"{count:,}" for count in parts), f"{sum(parts):,}")
