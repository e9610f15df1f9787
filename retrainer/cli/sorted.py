"""What `retrainer label` says of the photos that it sorts."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from retrainer.options.sorting import SortOptions
from retrainer.system.terminal import say
from retrainer.text import pasted, shown

if TYPE_CHECKING:
    from retrainer.sorting.sorter import Sorter


def sorter_of(
    options: SortOptions,
    labels: Sequence[str],
    values: Sequence[str],
    tell: Callable[[str], None],
    *,
    rejecting: bool,
    alone: bool,
) -> "Sorter | None":
    """What sorts photos; None if they are not to be sorted.

    Args:
        options: The folder to sort into, and how.
        labels: All labels of the model.
        values: What the user names to be labelled.
        tell: Called with a line for each photo that cannot be placed.
        rejecting: Whether photos of none of the classes have no label.
        alone: Whether plans go to standard output, since no answers do.

    Raises:
        OptionError: the values or the folder do not fit the options.
    """
    if not options.sort_into:
        return None
    from retrainer.sorting.sorter import Sorter  # a label of one photo does without it

    def planned(name: str, place: str) -> None:
        say(f"{shown(name)} -> {shown(place)}", err=not alone)

    return Sorter(options, labels, values, rejecting=rejecting, tell=tell, planned=planned)


@contextlib.contextmanager
def sorting(sorter: "Sorter | None", options: SortOptions) -> Iterator[None]:
    """Lets photos be sorted; if an error or Ctrl-C ends that, it prints what was done and how to undo it."""
    if sorter is None:
        yield
        return
    with sorter:
        try:
            yield
        except BaseException:
            for line in summary_of(sorter, options) if sorter.counts else ():
                say(line, err=True)
            raise


def summary_of(sorter: "Sorter", options: SortOptions) -> Iterator[str]:
    """How many photos went into each folder, how many did not, and how to undo it."""
    total, folder = sorter.counts.total(), shown(options.sort_into)
    did = "Would sort" if options.dry_run else "Sorted"
    listed = ", ".join(f"{count:,} {shown(name)}" for name, count in sorter.counts.most_common())
    yield f"{did} {_photos(total)} into '{folder}'" + (f": {listed}." if listed else ".")
    if sorter.there:
        are = "is there already and was" if sorter.there == 1 else "are there already and were"
        yield f"{_photos(sorter.there)} {are} left alone."
    if sorter.inside.count:
        first = shown(sorter.inside.first)
        yield f"Left out {_photos(sorter.inside.count)} in the folders that are sorted into, such as '{first}'."
    if sorter.left:
        yield f"{_photos(sorter.left)} could not be sorted."
    if total and not options.dry_run:
        yield f"To undo it: retrainer unsort {pasted(sorter.list_path)}"


def _photos(count: int) -> str:
    return f"{count:,} {'photo' if count == 1 else 'photos'}"
