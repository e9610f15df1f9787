"""What lies below a folder of photos: one walk for everything that reads photos.

Files are told apart by their names alone; whether a file is a photo is found out when it is read.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrainer.events import FilesLeftOut, FolderSkipped, Noted, Observer, PhotoSkipped
from retrainer.system.files import shown

Stamps = tuple[int, int, int]
"""Size in bytes, times of modification and of change in nanoseconds."""

# What operating systems, cameras and version control leave beside photos: texts, tables, annotations, links; and what
# retrainer and others of its kind write.
_NO_PHOTO = re.compile(
    r".*\.(aae|csv|db|htm|html|ini|ipynb|json|jsonl|lnk|log|md|nfo|py|sh|toml|tsv|txt|url|xml|xmp|yaml|yml)"
    r"|.*\.(ckpt|h5|keras|npy|npz|onnx|parquet|pb|pt|pth|tflite|tfrecord)|events\.out\.tfevents\..*|\.unfinished-.*"
    r"|.*zone\.identifier|\._.*|icon\r|license|readme"
    r"|\.(directory|ds_store|gitattributes|gitignore|gitkeep|gitmodules|keep|nomedia)",
    re.IGNORECASE | re.DOTALL,
)
_NO_FOLDER = re.compile(
    r"\.cache|\.dvc|\.git|\.ipynb_checkpoints|\.svn|\.thumbnails|\.trashes|__macosx|@eadir|#recycle|\$recycle\.bin"
    r"|lost\+found|system volume information",
    re.IGNORECASE,
)

# Nearly all names end so, and need no other look: a third of the time that a walk takes.
_USUAL = (".jpg", ".jpeg", ".png", ".JPG")


def is_no_photo(name: str) -> bool:
    """Whether a file of this name is known to be no photo, such as `Thumbs.db`, `a.xml` or `a.jpg:Zone.Identifier`."""
    return _NO_PHOTO.fullmatch(name) is not None


def skips_folder(name: str) -> bool:
    """Whether a folder of this name is known to hold no photos of the user's, such as `__MACOSX` or `.git`."""
    return _NO_FOLDER.fullmatch(name) is not None


@dataclass
class Listing:
    """What lies directly in a folder.

    Attributes:
        files: Names and stamps, sorted.
        folders: The names of real folders, sorted.
        linked_files, linked_folders: The names of those that are links, sorted; linked files are among `files`.
    """

    files: list[tuple[str, Stamps]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    linked_files: list[str] = field(default_factory=list)
    linked_folders: list[str] = field(default_factory=list)


class Walk:
    """Lists files and folders, follows links, and remembers what it leaves out.

    Args:
        observer: Told of folders that cannot be listed and of links that lead nowhere, at once; of the rest by `tell`.
        outside: Folders that are not entered by a link, such as those that the walk begins in.
    """

    def __init__(self, observer: Observer, outside: Iterable[Path] = ()) -> None:
        self._observer = observer
        self._outside = frozenset(identity for path in outside if (identity := _identity(path)))
        self._no_photos: list[str] = []
        self._hidden: list[str] = []
        self._circles: list[str] = []

    @property
    def left_out(self) -> int:
        """How many files and folders were left out since `tell`, by their names."""
        return len(self._no_photos) + len(self._hidden)

    def below(self, folder: str) -> list[tuple[str, Stamps]]:
        """The paths below `folder` of all files at any depth, with their stamps; sorted, each file once.

        A folder that several links lead to is read once, by its real path if that is below `folder`.
        """
        seen: set[tuple[int, int]] = set()
        files: list[tuple[str, Stamps]] = []
        linked_files: list[str] = []
        real, links = deque([""]), deque[str]()
        while real or links:
            inner = real.popleft() if real else links.popleft()
            path, before = (os.path.join(folder, inner), inner + os.sep) if inner else (folder, "")
            if not self._enter(path, seen):
                continue
            listing = self.listed(path)
            files += [(before + name, stamps) for name, stamps in listing.files] if before else listing.files
            linked_files += [before + name for name in listing.linked_files]
            real.extend(before + name for name in listing.folders)
            links.extend(before + name for name in listing.linked_folders)
        return sorted(_once(folder, files, linked_files))

    def listed(self, folder: str) -> Listing:
        """What lies directly in a folder; of a folder that cannot be listed to its end, what came before."""
        listing, broken = Listing(), []
        received = 0
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    received += 1
                    if reason := self._sort_in(entry, listing):
                        broken.append((entry.path, reason))
        except OSError as error:
            how = "can be listed only in part" if received else "cannot be listed"
            self._observer(FolderSkipped(folder, f"the folder {how}: {error.strerror or error}"))
        for path, reason in sorted(broken):
            self._observer(PhotoSkipped(path, reason))
        for names in (listing.files, listing.folders, listing.linked_files, listing.linked_folders):
            names.sort()
        return listing

    def tell(self) -> None:
        """Tells the observer what was left out so far, a line for each kind."""
        both = "file or folder", "files or folders"
        if self._no_photos:
            self._observer(Noted(f"Left out {counted(self._no_photos, *both)}: no photos, as their names tell"))
        left_out = (
            (self._hidden, both, "hidden by a dot before the name"),
            (self._circles, ("folder", "folders"), "linked in a circle"),
        )
        for paths, what, reason in left_out:
            if paths:
                self._observer(FilesLeftOut(counted(paths, *what), len(paths), reason))
        self._no_photos, self._hidden, self._circles = [], [], []

    def _sort_in(self, entry: "os.DirEntry[str]", listing: Listing) -> str:
        """Adds an entry to a listing or to what is left out; the reason if it can be neither."""
        name = entry.name
        try:
            hidden = name.startswith(".")
            if hidden or (not name.endswith(_USUAL) and (is_no_photo(name) or skips_folder(name))):
                known = skips_folder(name) if entry.is_dir() else is_no_photo(name)
                if known or hidden:
                    (self._no_photos if known else self._hidden).append(entry.path)
                    return ""
            status = entry.stat()
        except OSError as error:  # a link that leads nowhere or in a circle
            return error.strerror or str(error)
        if stat.S_ISDIR(status.st_mode):
            (listing.linked_folders if entry.is_symlink() else listing.folders).append(name)
            return ""
        if not stat.S_ISREG(status.st_mode):
            return "expected a file, received a pipe, socket or device"
        # A file that was replaced with its size and time kept has another time of change.
        listing.files.append((name, (status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
        if entry.is_symlink():
            listing.linked_files.append(name)
        return ""

    def _enter(self, path: str, seen: set[tuple[int, int]]) -> bool:
        """Whether a folder is to be read: it was not yet, and does not hold the one that the walk began in."""
        identity = _identity(path)
        if identity in self._outside:
            self._circles.append(path)
        elif identity not in seen:
            if identity:
                seen.add(identity)
            return True
        return False


def folders_above(folder: str) -> Sequence[Path]:
    """The folders that `folder` lies in, by its real path."""
    return Path(os.path.realpath(folder)).parents


def counted(paths: Sequence[str], one: str = "file", many: str = "files") -> str:
    """How many these are, with two of their names: `5 files, such as 'a' and 'b'`."""
    first, *others = map(shown, sorted(paths)[:2])
    if not others:
        return f"1 {one}, '{first}'"
    return f"{len(paths):,} {many}, {'such as ' if len(paths) > 2 else ''}'{first}' and '{others[0]}'"


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What tells a folder from all others, None if it cannot be looked at."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _once(folder: str, files: list[tuple[str, Stamps]], links: Sequence[str]) -> list[tuple[str, Stamps]]:
    """The files without those links that lead to another of them."""
    if not links:
        return files
    linked = frozenset(links)
    seen = {_identity(os.path.join(folder, name)) for name, _ in files if name not in linked}
    kept = set()
    for name in sorted(links):
        identity = _identity(os.path.join(folder, name))
        if identity is None or identity not in seen:
            kept.add(name)
            seen.add(identity)
    return [file for file in files if file[0] not in linked or file[0] in kept]
