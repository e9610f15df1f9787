"""What a report keeps of the run: copies, what was left out, the split, the command and the model card."""

from retrainer.pages.components import counted, cut, cut_path, facts, name
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures

_SHOWN, _LONGEST = 50, 400


def copies(contents: ReportContents, _: Pictures) -> Section:
    """What is known of copies and leaks."""
    said = contents.copies or ["Whether there are copies or leaks is unknown."]
    return Section("Copies and leaks", [element("p", cut(one, _LONGEST)) for one in said])


def left_out(contents: ReportContents, _: Pictures) -> Section:
    """The files that were left out with their reasons, and the warnings."""
    rows = [
        (element("bdi", cut_path(path, 80)), cut(reason, _LONGEST))
        for path, reason in list(contents.skipped.items())[:_SHOWN]
    ]
    files = table("Left out", ("file or folder", "reason"), rows) if rows else element("p", "No file was left out.")
    warnings = [element("li", cut(one, _LONGEST)) for one in contents.warnings[:_SHOWN]]
    said = element("ul", *warnings) if warnings else element("p", "The run warned of nothing.")
    return Section(
        "Left out, and warnings",
        [files, *_more(contents, len(contents.skipped)), said, *_more(contents, len(contents.warnings))],
    )


def split(contents: ReportContents, _: Pictures) -> Section:
    """How many photos of each class train, validate and test."""
    if not contents.split:
        return Section("Split", [element("p", "The split is unknown.")])
    rows = [_counts(name(label), parts) for label, parts in list(contents.split.items())[:_SHOWN]]
    totals = tuple(sum(parts[n] for parts in contents.split.values()) for n in range(3))
    rows.append(_counts("all classes", totals))
    caption = "Photos of each class"
    if len(contents.split) > _SHOWN:
        caption = f"Photos of {_SHOWN} of {len(contents.split):,} classes, and of all"
    return Section("Split", [table(caption, ("class", "training", "validation", "testing", "all"), rows)])


def command(contents: ReportContents, _: Pictures) -> Section:
    """The command that reproduces the run."""
    known = element("pre", contents.command) if contents.command else element("p", "The command is unknown.")
    return Section("Reproduce it", [known])


def card(contents: ReportContents, _: Pictures) -> Section:
    """The model card."""
    parts = [
        piece for heading, values in contents.card.items() for piece in (element("h3", cut(heading)), facts(values))
    ]
    return Section("Model card", parts or [element("p", "Nothing else is known of the model.")])


def _counts(first: str, parts: tuple[int, ...]) -> tuple[str, ...]:
    return (first, *(f"{count:,}" for count in parts), f"{sum(parts):,}")


def _more(contents: ReportContents, count: int) -> list[Markup]:
    more = count - _SHOWN
    if more <= 0:
        return []
    listed = [element("pre", contents.list_command)] if contents.list_command else []
    return [element("p", f"{counted(more, 'line')} more."), *listed]
