"""Moves photos that are set aside out of the folder of photos, into one beside it, and moves them back.

Nothing is overwritten. A row of `sorted.csv` in that folder is on the disk before its photo moves, so that a process
that is killed at any moment loses nothing, and the next one goes on.
"""

import os
from dataclasses import dataclass

from retrainer.bottlenecks.file_hashes import FileHashes
from retrainer.cleaning.mover import Before, Mover
from retrainer.errors import OptionError, OutputError
from retrainer.events import Observer, Warned, silent
from retrainer.feature_source import bottleneck_folder
from retrainer.options.in_memory import TableInMemory
from retrainer.options.sorting import LIST
from retrainer.options.split import AUTO
from retrainer.photos.archives import within_archive
from retrainer.photos.clean_list.carried_out import ENDING, CarriedOut
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action
from retrainer.photos.clean_list.honouring import warn_of_lost
from retrainer.photos.clean_list.matching import matched
from retrainer.photos.scanning import scan
from retrainer.photos.table_files import is_table
from retrainer.sorting.record import MOVE, Record, require_list
from retrainer.sorting.undo import undo
from retrainer.system.files import require_writable_folder
from retrainer.text import counted, first_paths, shown

_RETRAIN = "`retrain --clean_list` leaves them out where they are."


@dataclass(frozen=True)
class Moved:
    """What was moved.

    Attributes:
        folder: The folder of photos that are set aside.
        moved: How many photos were moved into it, or back.
        left: How many photos stay where they are, for a reason that was reported.
    """

    folder: str
    moved: int = 0
    left: int = 0


def sister_of(image_dir: str, flag: str = "--apply") -> str:
    """The folder that photos of another folder are moved into; links to the folder are followed.

    Args:
        image_dir: The folder.
        flag: What moves photos, for the message.

    Raises:
        OptionError: the photos are no files in a folder.
    """
    if is_table(image_dir) or isinstance(image_dir, TableInMemory):
        raise OptionError(f"{flag}: photos of a table are not moved; expected a folder of photos.", _RETRAIN)
    if not os.path.isdir(image_dir) and within_archive(image_dir) is not None:
        raise OptionError(f"{flag}: photos in an archive, '{shown(image_dir)}', are not moved.", _RETRAIN)
    return os.path.realpath(image_dir) + ENDING


def set_aside(
    clean_list: CleanList,
    image_dir: str,
    observer: Observer,
    *,
    split_by: str = AUTO,
    label_from: str = "",
    bottleneck_dir: str = "",
) -> Moved:
    """Moves the photos that a list sets aside, by their bytes, into the folder beside that of all photos.

    Args:
        clean_list: The decisions.
        image_dir: The folder of photos.
        observer: Called with a warning for what cannot be moved, or is not there.
        split_by, label_from: How the folder is read, as in `SplitOptions`.
        bottleneck_dir: The folder of the cache, which knows the hashes of unchanged files.

    Raises:
        OptionError: the photos are no files in a folder, or the folder beside it holds another `sorted.csv`.
        OutputError: the disk is full, no photo can be moved, or another process moves photos there. Those that were
            moved are in their places and in the list.
    """
    folder = sister_of(image_dir)
    files = scan(image_dir, silent, fewest=1, split_by=split_by, label_from=label_from)
    hashes = FileHashes(files, bottleneck_folder(bottleneck_dir), observer)
    before = _moved_before(os.path.join(folder, LIST))
    found = matched(CarriedOut.of(image_dir).left_of(clean_list), files, hashes.texts)
    warn_of_lost(found, clean_list, observer)
    rows = sorted(row for row, decision in found.decisions.items() if decision.action == Action.SET_ASIDE)
    if not rows:
        return Moved(folder)
    require_writable_folder(folder)
    with Record(os.path.join(folder, LIST), new=True) as record:
        mover = Mover(files, folder, record, before)
        for row, sha256 in zip(rows, hashes.texts(rows), strict=True):
            mover.move(row, sha256)
    _report(mover, image_dir, observer)
    return Moved(folder, mover.moved, sum(map(len, mover.left.values())))


def _report(mover: Mover, image_dir: str, observer: Observer) -> None:
    """Warns of photos that were not moved; raises OutputError if none was moved for that reason."""
    problems = [
        f"{counted(len(paths), 'photo')} cannot be moved: {reason}: {first_paths(paths)}."
        for reason, paths in mover.left.items()
    ]
    if problems and not mover.moved:
        if not mover.before:  # nothing is there but rows of photos that were not moved
            undo(os.path.join(mover.folder, LIST), lambda _: None)
        raise OutputError(f"--apply: {' '.join(problems)}", _RETRAIN, path=image_dir)
    for problem in problems:
        observer(Warned(problem))


def bring_back(image_dir: str, observer: Observer) -> Moved:
    """Moves back what `set_aside` moved. A photo that changed since, or whose place is taken, stays.

    Args:
        image_dir: The folder of photos.
        observer: Called with a warning for each photo that stays.

    Raises:
        OptionError: nothing was moved.
        OutputError: the disk is full, or another process moves photos there.
    """
    folder = sister_of(image_dir, "--undo")
    path = os.path.join(folder, LIST)
    if not os.path.lexists(path):
        raise OptionError(f"--undo: nothing was moved from '{shown(image_dir)}': '{shown(path)}' does not exist.")
    done = undo(path, lambda line: observer(Warned(line)))
    if done.bad_lines:
        observer(Warned(f"'{shown(path)}': {done.bad_lines:,} lines are no whole rows."))
    return Moved(folder, done.counts[MOVE], done.left)


def _moved_before(path: str) -> Before:
    """What a list says of earlier moves; nothing if there is no list."""
    before: Before = {}
    if os.path.lexists(path):
        require_list(path, new=True)
        with Record(path, new=False) as record:
            for _, row in record.backwards():
                if row and row.how == MOVE:
                    before.setdefault(row.source, []).append(row)
    return before
