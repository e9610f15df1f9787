"""A walk over the files below a folder or in an archive; everything that reads photos uses it."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrainer.events import Detailed, FilesLeftOut, FolderSkipped, Noted, Observer, PhotoSkipped
from retrainer.photos.archives import ARCHIVE_NAME, open_archive, unpacks_long, within_archive
from retrainer.photos.file_names import NOT_PHOTOS, USUAL, is_no_photo, skips_folder
from retrainer.system.portable import is_below_a_file
from retrainer.text import shown

Stamps = tuple[int, int, int]
"""A file's size in bytes, and its times of modification and of change in nanoseconds."""


@dataclass
class Listing:
    """The files and folders directly in a folder, each list sorted.

    Attributes:
        files: Names and stamps of all files, linked ones included.
        folders: Names of the folders that are no links.
        linked_files, linked_folders: Names of the links to files and to folders.
    """

    files: list[tuple[str, Stamps]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    linked_files: list[str] = field(default_factory=list)
    linked_folders: list[str] = field(default_factory=list)


class Walk:
    """Lists files and folders, follows links, and remembers what it leaves out.

    Args:
        observer: Called at once with folders that cannot be listed and links that lead nowhere, and by `report` with
            all that was left out.
        outside: Folders that no link may lead into, such as the folder above the walk's first one.
    """

    def __init__(self, observer: Observer, outside: Iterable[Path] = ()) -> None:
        self._observer = observer
        self._outside = frozenset(identity for path in outside if (identity := _identity(path)))
        self._no_photos: list[str] = []
        self._hidden: list[str] = []
        self._circles: list[str] = []
        self._nested: list[str] = []
        self._archives: dict[str, None] = {}

    @property
    def left_out(self) -> int:
        """How many files and folders were left out by their names since the last `report`."""
        return len(self._no_photos) + len(self._hidden)

    def below(self, folder: str) -> list[tuple[str, Stamps]]:
        """All files below `folder`, at any depth: sorted paths below it, with stamps, each file once.

        A folder that several links lead to is read once, by its real path if that is below `folder`.
        """
        files: list[tuple[str, Stamps]] = []
        linked_files: list[str] = []
        for before, listing in self._listings(folder):
            files += [(before + name, stamps) for name, stamps in listing.files] if before else listing.files
            linked_files += [before + name for name in listing.linked_files]
        doubles = _links_to_others(folder, [name for name, _ in files], linked_files) if linked_files else ()
        return sorted(file for file in files if file[0] not in doubles)

    def names_below(self, folder: str) -> list[str]:
        """The paths that `below` gives, without their stamps, which take more memory than the paths."""
        names: list[str] = []
        linked_files: list[str] = []
        for before, listing in self._listings(folder):
            names += [before + name for name, _ in listing.files]
            linked_files += [before + name for name in listing.linked_files]
        if linked_files:
            doubles = _links_to_others(folder, names, linked_files)
            names = [name for name in names if name not in doubles]
        names.sort()
        return names

    def _listings(self, folder: str) -> Iterator[tuple[str, Listing]]:
        """Yields each folder at any depth once: its path below `folder` with a separator behind, and its listing."""
        seen: set[tuple[int, int]] = set()
        real, links = deque([""]), deque[str]()
        while real or links:
            inner = real.popleft() if real else links.popleft()
            path, before = (os.path.join(folder, inner), inner + os.sep) if inner else (folder, "")
            if not self._enter(path, seen):
                continue
            listing = self.listed(path)
            yield before, listing
            real.extend(before + name for name in listing.folders)
            links.extend(before + name for name in listing.linked_folders)

    def listed(self, folder: str) -> Listing:
        """Lists one folder, which may be an archive or in one; if an error ends it, the entries read before stay.

        Raises:
            DatasetError: an archive is damaged, or the file is no archive.
        """
        listing, broken = Listing(), []
        received = 0
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    received += 1
                    if reason := self._sort_in(entry, listing):
                        broken.append((entry.path, reason))
        except OSError as error:
            if not (is_below_a_file(error) and self._list_archive(folder, listing)):
                how = "can be listed only in part" if received else "cannot be listed"
                self._observer(FolderSkipped(folder, f"the folder {how}: {error.strerror or error}"))
        for path, reason in sorted(broken):
            self._observer(PhotoSkipped(path, reason))
        for names in (listing.files, listing.folders, listing.linked_files, listing.linked_folders):
            names.sort()
        return listing

    def report(self) -> None:
        """Reports what was left out so far, one event for each reason."""
        both = "file or folder", "files or folders"
        if self._no_photos:
            self._observer(Detailed(f"Left out {counted(self._no_photos, *both)}: {NOT_PHOTOS}"))
        if self._nested:
            self._observer(Noted(f"Left out {counted(self._nested)}: archives in an archive are not read"))
        for archive in self._archives:
            for reason, names in open_archive(archive).left_out.items():
                paths = [os.path.join(archive, name) for name in names]
                self._observer(FilesLeftOut(counted(paths), len(paths), reason, tuple(paths)))
        left_out = (
            (self._hidden, both, "hidden by a dot before the name"),
            (self._circles, ("folder", "folders"), "linked in a circle"),
        )
        for paths, nouns, reason in left_out:
            if paths:
                self._observer(FilesLeftOut(counted(paths, *nouns), len(paths), reason, tuple(sorted(paths))))
        self._no_photos, self._hidden, self._circles, self._nested, self._archives = [], [], [], [], {}

    def _sort_in(self, entry: "os.DirEntry[str]", listing: Listing) -> str:
        """Adds an entry to the listing or to the entries that are left out.

        Returns:
            Why the entry cannot be used; empty if nothing is wrong with it.
        """
        name = entry.name
        try:
            if self._leaves_out(name, entry.path, entry.is_dir):
                return ""
            status = entry.stat()
        except OSError as error:  # a link that leads nowhere or in a circle
            return error.strerror or str(error)
        if stat.S_ISDIR(status.st_mode):
            (listing.linked_folders if entry.is_symlink() else listing.folders).append(name)
            return ""
        if not stat.S_ISREG(status.st_mode):
            return "expected a file, received a pipe, socket or device"
        # The time of change differs even if a file was replaced by one of the same size and time of modification.
        listing.files.append((name, (status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
        if entry.is_symlink():
            listing.linked_files.append(name)
        return ""

    def _list_archive(self, folder: str, listing: Listing) -> bool:
        """Adds what lies in an archive, or in a folder of one, to the listing; False if the path is no such folder."""
        found = within_archive(folder)
        if found is None:
            return False
        if found[0] not in self._archives and unpacks_long(found[0]):
            name = shown(found[0])
            self._observer(Noted(f"Unpacking '{name}' in memory to list it; a ZIP or a plain tar is listed at once"))
        self._archives[found[0]] = None
        inner = open_archive(found[0]).folder(found[1])
        for name, stamps in inner.files:
            path = os.path.join(folder, name)
            if ARCHIVE_NAME.fullmatch(name):
                self._nested.append(path)
            elif not self._leaves_out(name, path, lambda: False):
                listing.files.append((name, stamps))
        for name in inner.folders:
            if not self._leaves_out(name, os.path.join(folder, name), lambda: True):
                listing.folders.append(name)
        return True

    def _leaves_out(self, name: str, path: str, is_folder: Callable[[], bool]) -> bool:
        """Whether a file or folder is left out by its name, which is remembered."""
        hidden = name.startswith(".")
        if not hidden and (name.endswith(USUAL) or not (is_no_photo(name) or skips_folder(name))):
            return False
        known = skips_folder(name) if is_folder() else is_no_photo(name)
        if known or hidden:
            (self._no_photos if known else self._hidden).append(path)
        return known or hidden

    def _enter(self, path: str, seen: set[tuple[int, int]]) -> bool:
        """Whether to read a folder: it was not read yet, and the walk did not begin in it or below it."""
        identity = _identity(path)
        if identity in self._outside:
            self._circles.append(path)
        elif identity not in seen:
            if identity:
                seen.add(identity)
            return True
        return False


def folders_above(folder: str) -> Sequence[Path]:
    """The real paths of all folders that contain `folder`, the nearest first."""
    return Path(os.path.realpath(folder)).parents


def counted(paths: Sequence[str], one: str = "file", many: str = "files") -> str:
    """The number of paths and the first two of them: `5 files, such as 'a' and 'b'`."""
    first, *others = map(shown, sorted(paths)[:2])
    if not others:
        return f"1 {one}, '{first}'"
    return f"{len(paths):,} {many}, {'such as ' if len(paths) > 2 else ''}'{first}' and '{others[0]}'"


def _identity(path: str | Path) -> tuple[int, int] | None:
    """The device and inode of a file or folder; None if it cannot be accessed."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _links_to_others(folder: str, names: Sequence[str], links: Sequence[str]) -> frozenset[str]:
    """The links to files that are among the names by other names, too; of several links to one file, one is none."""
    linked = frozenset(links)
    seen = {_identity(os.path.join(folder, name)) for name in names if name not in linked}
    doubles = set()
    for name in sorted(links):
        identity = _identity(os.path.join(folder, name))
        if identity is not None and identity in seen:
            doubles.add(name)
        seen.add(identity)
    return frozenset(doubles)
