"""What has changed among the photos since the model that a run is about to replace."""

from collections.abc import Iterator, Sequence

import numpy as np

from retrainer.arrays import Digests
from retrainer.events import Changed, Observer
from retrainer.measuring.photo_hashes import digests_of
from retrainer.measuring.remembered_split import NEW, UNKNOWN, RememberedSplit
from retrainer.models.metadata import ModelMetadata
from retrainer.photos.clean_list.honoured import Honoured
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.text import shown

# At most this many classes are named.
_NAMED = 5


def report_changes(
    metadata: ModelMetadata | None, dataset: Dataset, split: Split, observer: Observer, honoured: Honoured | None = None
) -> None:
    """Reports which photos and classes are new or gone, and whether the test photos still test.

    Nothing is reported if nothing has changed, or if there was no model that remembers its split. Numbers are estimates
    if the model remembers a sample of its photos.

    Args:
        metadata: That of the last model; None if there was none.
        dataset: The photos now.
        split: Their parts.
        observer: Called with what has changed.
        honoured: The decisions that were honoured; None if there is no list of them.
    """
    remembered = RememberedSplit.from_metadata(metadata.split) if metadata else None
    if not metadata or not remembered:
        return
    before, now = int(metadata.training.get("photos", 0)), len(dataset.digests)
    aside = digests_of(honoured.set_aside if honoured else ())
    new, gone = _photos(remembered, dataset, aside, before) if remembered.knows_all_parts else (None, None)
    set_aside = int((remembered.known_parts(aside) != NEW).sum())
    returned = int(remembered.was_set_aside(dataset.digests).sum())
    added = tuple(sorted(set(dataset.labels).difference(metadata.labels)))
    removed = tuple(sorted(set(metadata.labels).difference(dataset.labels)))
    tested, moved = _test_photos(remembered, dataset, split)
    about = "about " if remembered.is_sample else ""
    changes = [
        *([f"{about}{new:,} of {now:,} photos new"] if new else []),
        *([f"{about}{gone:,} of {before:,} photos gone"] if gone else []),
        *([f"{set_aside:,} of {before:,} photos set aside"] if set_aside else []),
        *([f"{returned:,} of {now:,} photos no longer set aside"] if returned else []),
        *_classes(added, "new"),
        *_classes(removed, "gone"),
    ]
    if moved:
        share = f"about {100 * moved / tested:.0f} % of" if remembered.is_sample else f"{moved:,} of {tested:,}"
        changes.append(f"{share} earlier test photos are now in another part")
    if changes:
        stay = "; test photos stay where they were" if tested and not moved else ""
        message = f"Since the last model: {', '.join(changes)}{stay}"
        known = (new, gone, added, removed, tested, moved, set_aside, returned)
        observer(Changed(message, remembered.is_sample, *known))


def _photos(remembered: RememberedSplit, dataset: Dataset, aside: Digests, before: int) -> tuple[int, int]:
    """The numbers of photos that are new and gone; `before` photos were there, and others are set aside now."""
    digests = dataset.digests[~remembered.was_set_aside(dataset.digests)]
    parts = remembered.known_parts(digests)
    known = parts[parts != UNKNOWN]
    new = round(len(digests) * float((known == NEW).mean())) if len(known) else 0
    gone, kept = remembered.gone(np.concatenate([dataset.digests, aside]))
    return new, round(before * gone / kept) if gone and remembered.is_sample else gone


def _classes(names: Sequence[str], change: str) -> Iterator[str]:
    """The classes that are new or gone, in words."""
    if names:
        named = ", ".join(f"'{shown(name)}'" for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        yield f"class{'es' * (len(names) > 1)} {named}{more} {change}"


def _test_photos(remembered: RememberedSplit, dataset: Dataset, split: Split) -> tuple[int, int]:
    """How many test photos of the last model are here, as far as it is known, and how many of them do not test now."""
    tested = remembered.known_parts(dataset.digests) == Part.TESTING
    return int(tested.sum()), int((tested & (split.parts != Part.TESTING)).sum())
