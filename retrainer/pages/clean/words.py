"""What the page of findings calls kinds of findings, suggestions, decisions and parts."""

from retrainer.pages.components import cut
from retrainer.photos.clean_list.finding import Action, Decision, Kind

# Of one finding, and of all.
KINDS: dict[Kind, tuple[str, str]] = {
    Kind.LABEL: ("Probably another class", "Probable label errors"),
    Kind.COPY: ("Copy", "Copies"),
    Kind.OUTLIER: ("Like no class", "Photos like no class"),
    Kind.UNREADABLE: ("Unreadable", "Unreadable or damaged files"),
    Kind.EXTENSION: ("Wrong extension", "Wrong extensions"),
    Kind.DARK: ("Dark", "Dark photos"),
    Kind.LIGHT: ("Light", "Light photos"),
    Kind.BLURRY: ("Blurry", "Blurry photos"),
    Kind.EMPTY: ("Empty", "Empty photos"),
    Kind.SHAPE: ("Odd shape", "Photos of odd shapes"),
    Kind.SMALL_CLASS: ("Small class", "Small classes"),
    Kind.SAME_CLASS: ("Two classes like one", "Classes that look like one"),
    Kind.OTHER: ("Listed by hand", "Listed by hand"),
}
ACTIONS = {Action.NONE: "undecided", Action.KEEP: "keep", Action.RELABEL: "relabel", Action.SET_ASIDE: "set aside"}
TEST_PHOTO = "This is a test photo: what happens to it changes the measured accuracy, so only you decide about it."
DISAGREES = "Its rows in the list disagree, so that none of them counts. A decision here is written to all of them."


def decided_words(decision: Decision) -> str:
    """A decision in words, such as `Relabel to tulips`."""
    if decision.action == Action.RELABEL:
        return f"Relabel to {cut(decision.new_label)}"
    return {Action.KEEP: "Keep", Action.SET_ASIDE: "Set aside"}.get(decision.action, "Undecided")
