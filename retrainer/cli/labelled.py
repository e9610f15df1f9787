"""What `retrainer label` says: the words of 2017 for each photo, and notes on all photos together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.answers.output import row_stream
from retrainer.errors import PictureError
from retrainer.system.terminal import say
from retrainer.text import printable, shown

if TYPE_CHECKING:
    from retrainer.answer_tables import Labelled
    from retrainer.prediction import Prediction

FAILED = 1

Answer = tuple[str, bool, "Prediction | PictureError"]
"""A photo's name, whether the user named it, and what became of it."""


@dataclass
class Tally:
    """How many photos have labels, and how much of what the user named could not be read."""

    labelled: int = 0
    failures: int = 0
    unreadable: int = 0
    unlike: int = 0

    def counted(self, answers: Iterable[Answer], report: Callable[[str], None] | None) -> "Iterator[Labelled]":
        """Yields the answers again.

        Args:
            answers: The answers. A folder may also hold other files, but a path that is named should be a photo.
            report: Called with a line for each unreadable photo.
        """
        for name, named, found in answers:
            if isinstance(found, PictureError):
                self.unreadable += 1
                self.failures += named
                if report:
                    report(f"{'Error:' if named else 'Skipped'} '{shown(name)}': {found}.")
            else:
                self.labelled += 1
                self.unlike += found.rejected
            yield name, found

    @property
    def taken(self) -> str:
        """How many photos there were."""
        count = self.labelled + self.unreadable
        return f"{count:,} {'photo' if count == 1 else 'photos'}"

    @property
    def exit_code(self) -> int:
        """0 if a photo has labels and all that was named could be read."""
        return FAILED if self.failures or not self.labelled else 0

    def notes(self, *, is_table: bool, rejecting: bool) -> Iterator[str]:
        """What a user should know of all photos together, one sentence each."""
        if self.unreadable and is_table:
            are = "photo is" if self.unreadable == 1 else "photos are"
            yield f"{self.unreadable:,} {are} unreadable; the column 'error' says why."
        if self.unlike and not rejecting:
            of = f"{self.unlike:,} of {self.labelled:,} photos" if self.labelled > 1 else "This photo"
            are, them = ("is", "it") if self.unlike == 1 else ("are", "them")
            yield f"{of} {are} unlike all photos that the model learnt from; --reject leaves {them} out."


def words_of(photos: "Iterable[Labelled]", *, headed: bool, rejecting: bool) -> Iterator[str]:
    """The words of 2017 for each photo that has labels."""
    before = ""
    for path, found in photos:
        if isinstance(found, PictureError):
            continue
        heading = f"{before}{shown(path)}\n" if headed else ""
        before = "\n"
        lines = _lines(found, rejecting=rejecting)
        yield "\n".join((f"{heading}\nEvaluation time (1-image): {found.seconds:.3f}s\n", *lines))


def write_words(texts: Iterable[str], path: str) -> None:
    """Writes texts to a file, or to standard output if the path is empty, each as soon as it is there."""
    if not path:
        for text in texts:
            say(text)
        return
    with row_stream(path) as stream:
        for text in texts:
            stream.write(f"{printable(text)}\n".encode())


def _lines(labelled: "Prediction", *, rejecting: bool) -> list[str]:
    if rejecting and labelled.rejected:
        return [f"none of these (distance={labelled.distance:0.5f}, limit={labelled.limit:0.5f})"]
    return [f"{shown(label)} (score={score:0.5f})" for label, score in labelled.ranking]
