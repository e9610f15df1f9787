"""Puts each photo into a folder that is named by its label."""

import errno
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from retrainer.errors import OptionError, OutputError, PictureError
from retrainer.options.sorting import LIST, SortOptions
from retrainer.photos.archives import is_archive, within_archive
from retrainer.photos.photo import Photo, name_of
from retrainer.sorting.inside import Inside, own_path
from retrainer.sorting.names import NONE_OF_THESE, UNREADABLE, file_name, folder_names
from retrainer.sorting.places import Places
from retrainer.sorting.placing import copy, digest_of, move
from retrainer.sorting.record import COPY, LINK, MOVE, WRITE, Placed, Record, require_list
from retrainer.system.files import open_regular, output_error, require_writable_folder
from retrainer.system.paths import is_address
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.prediction import Prediction

Found = TypeVar("Found", bound="tuple[str | Photo, bool, Prediction | PictureError]")
Tell = Callable[[str], None]

# Longer beginnings of a file say nothing about its format.
_BEGINNING = 2**9
_NO_FILE = "what is no file of its own can only be copied"


class Sorter:
    """Sorts photos as they are labelled; begins with `with`.

    Attributes:
        counts: How many photos were placed in each folder.
        there: How many photos were left alone since the same bytes are in their place.
        left: How many photos could not be placed.
        inside: Finds photos that lie in the sorted folders already.

    Args:
        options: The folder to sort into, and how.
        labels: All labels of the model.
        rejecting: Whether photos of none of the classes have no label.
        values: What the user names to be labelled.
        tell: Called with a line for each photo that cannot be placed.
        planned: Called with the name of each photo and its place, if nothing is to be done.

    Raises:
        OptionError: a value is no file and cannot be moved or linked, or the folder has another `sorted.csv`.
        OutputError: the folder cannot be written, or is in use.
    """

    def __init__(
        self,
        options: SortOptions,
        labels: Sequence[str],
        values: Sequence[str],
        *,
        rejecting: bool,
        tell: Tell,
        planned: Callable[[str, str], None],
    ) -> None:
        self._root, self._dry = os.path.realpath(options.sort_into), options.dry_run
        self._how = MOVE if options.move else LINK if options.link else COPY
        self._names, self._rejecting = folder_names(labels), rejecting
        self._tell, self._planned = tell, planned
        self.counts, self.there, self.left = Counter[str](), 0, 0
        self.inside = Inside(self._root, (*self._names.values(), NONE_OF_THESE, UNREADABLE), values)
        self.list_path = os.path.join(options.sort_into, LIST)
        self._places = Places(self._root, planning=options.dry_run)
        for value in values:
            if self._how != COPY and (is_address(value) or is_archive(value) or (within_archive(value) or ("", ""))[1]):
                raise OptionError(f"--{self._how}: '{shown(value)}' is refused, since {_NO_FILE}.", "Leave it out.")
        self._record: Record | None = None

    def __enter__(self) -> "Sorter":
        if self._dry:
            require_list(os.path.join(self._root, LIST), new=True)
        else:
            require_writable_folder(self._root)
            self._record = Record(os.path.join(self._root, LIST), new=True).__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._record:
            self._record.__exit__(kind, error, _)

    def sorted(self, answers: Iterable[Found]) -> Iterator[Found]:
        """Yields the answers again, each after its photo has been placed.

        Raises:
            OutputError: the disk is full or cannot be written. Photos so far are in their places and in the list.
        """
        for answer in answers:
            photo, _, found = answer
            try:
                self._sort(photo, found)
            except PictureError as error:
                self.left += 1
                self._tell(f"'{shown(name_of(photo))}' is not sorted: {error}.")
            yield answer

    def _sort(self, photo: str | Photo, found: "Prediction | PictureError") -> None:
        folder, label, score = self._choice(found)
        if isinstance(photo, Photo) and self._how != COPY:
            photo.read()  # its own error says more
            raise PictureError(_NO_FILE)
        if isinstance(photo, str) and self._how == MOVE and os.path.islink(photo):
            raise PictureError("it is a link, whose file lies elsewhere")
        with _stream_of(photo) as stream:
            sha256 = digest_of(stream)
            size = stream.tell()
            stream.seek(0)
            name = (
                file_name(photo.name, stream.read(_BEGINNING)) if isinstance(photo, Photo) else os.path.basename(photo)
            )
            for target in self._places.free(folder, name, sha256, size):
                if self._place(photo, stream, target, (label, score, sha256)):
                    self.counts[folder] += 1
                    return
            self.there += 1

    def _choice(self, found: "Prediction | PictureError") -> tuple[str, str | None, float | None]:
        """The folder of a photo, its label and the score of that."""
        if isinstance(found, PictureError):
            return UNREADABLE, None, None
        if self._rejecting and found.rejected:
            return NONE_OF_THESE, None, None
        label, score = found.ranking[0]
        return self._names[label], label, score

    def _place(
        self, photo: str | Photo, stream: BinaryIO, target: str, row: tuple[str | None, float | None, str]
    ) -> bool:
        """Returns False if something has come to the place meanwhile."""
        label, score, sha256 = row
        path = os.path.join(self._root, target)
        if not self._record:
            self._planned(name_of(photo), target)
            return True
        source, how = own_path(photo), self._how
        if isinstance(photo, Photo) and within_archive(photo.name) is None:
            source, how = photo.name, WRITE
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._record.add(Placed(source, target, label, score, how, sha256))
            stream.seek(0)
            if how == LINK:
                os.symlink(source, path)
            elif how == MOVE:
                move(source, path, self._root, sha256)
            else:
                copy(stream, path, self._root, sha256, "" if isinstance(photo, Photo) else photo)
        except FileExistsError as error:
            if path in (error.filename, error.filename2):
                return False
            raise output_error(Path(path), error) from error
        except OSError as error:
            if how == MOVE and isinstance(error, PermissionError | FileNotFoundError):
                raise PictureError(f"cannot be moved: {error.strerror or error}") from error
            if how == MOVE and error.errno == errno.EROFS and error.filename == source:
                raise OutputError(
                    f"--move: cannot remove '{shown(source)}': {error.strerror}.",
                    "Leave out --move to copy photos.",
                    path=source,
                ) from error
            raise output_error(Path(path), error) from error
        return True


def _stream_of(photo: str | Photo) -> BinaryIO:
    if isinstance(photo, Photo):
        return io.BytesIO(photo.read())
    try:
        return open_regular(photo)
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
