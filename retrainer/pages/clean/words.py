"""Sentences of the page of findings."""

from retrainer.pages.components import cut
from retrainer.photos.clean_list.finding import Action, Decision

TEST_PHOTO = "This is a test photo: what happens to it changes the measured accuracy, so only you decide about it."
DISAGREES = "Its rows in the list disagree, so that none of them counts. A decision here is written to all of them."
# What parts are called, in their order.
PARTS = {"training": "training", "validation": "validation", "testing": "test"}


def part_photo(part: str) -> str:
    """A photo of a part in words, such as `test photo`; `photo` if the part is not known."""
    return f"{PARTS.get(part, part)} photo".lstrip()


def decided_words(decision: Decision) -> str:
    """A decision in words, such as `Relabel to tulips`."""
    if decision.action == Action.RELABEL:
        return f"Relabel to {cut(decision.new_label)}"
    return {Action.KEEP: "Keep", Action.SET_ASIDE: "Set aside"}.get(decision.action, "Undecided")
