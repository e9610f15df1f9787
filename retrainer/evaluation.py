"""Measures a model on a folder of photos."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.file_index import TABLE as FILES
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.decided_files import scanned_by_list
from retrainer.errors import DatasetError, OptionError, PictureError
from retrainer.events import ExtractionAdvanced, Noted, Observer, PhotoSkipped, Warned
from retrainer.feature_source import bottleneck_folder
from retrainer.labeler import Labeler
from retrainer.measuring.assessment import assess
from retrainer.measuring.measured import Measured
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.measuring.selection import select_all, select_unseen
from retrainer.options.calling import takes_options
from retrainer.options.in_memory import PhotoSource, TableInMemory, was_in_memory
from retrainer.options.model import EvaluateOptions, LabelOptions, ModelOptions
from retrainer.options.split import AUTO, FOLDERS
from retrainer.photos.archives import reading_order, within_archive
from retrainer.photos.files import PhotoFiles, no_photos_in
from retrainer.photos.labels import class_ids_of, label_of
from retrainer.photos.parts import DRAWN, Part
from retrainer.photos.photo import content_of
from retrainer.photos.scanning import scan
from retrainer.reporting import Reporter
from retrainer.results.evaluation import Evaluation
from retrainer.system.last_use import mark_used
from retrainer.system.missing import NamingPackages
from retrainer.text import shown

if TYPE_CHECKING:
    from typing import Unpack

    from retrainer.options.keywords import EvaluateKeywords

_DISTRIBUTION_TOLERANCE = 1e-3
_NAMED = 20


@takes_options(EvaluateOptions)
@NamingPackages()
def evaluate(
    model: EvaluateOptions | str | PathLike[str],
    photos: PhotoSource | None = None,
    *,
    on_progress: Observer | None = None,
    **options: "Unpack[EvaluateKeywords]",
) -> Evaluation:
    """Labels photos whose classes are known and assesses the scores: `evaluate("model.tflite", "photos")`.

    If a folder or a table states which photos test, only those are measured. Photos that the model learnt from, and
    those that chose its head, are left out wherever they lie.

    Args:
        model: The path of the model, or all options.
        photos: A folder, a table or `(pictures, labels)`, as `retrain` takes them; by default those that the model
            learnt from, of which only its test photos are measured.
        on_progress: Called with every event, in the calling thread.
        options: Options by name, see below.

    Raises:
        OptionError: the graph or the folder is not there.
        DatasetError: a folder stands for no label of the model, or no photo can be read.
        ModelError: the model cannot be read.
    """
    if photos is not None and "image_dir" in options:
        raise OptionError("evaluate(): expected photos once, received them twice, also as image_dir.")
    with_photos = options if photos is None else {**options, "image_dir": photos}
    given = EvaluateOptions.given(model, "graph", with_photos, "evaluate")
    with Reporter(on_progress) as report:
        return _evaluated(given, report)


def _evaluated(given: EvaluateOptions, report: Reporter) -> Evaluation:
    labeler = Labeler(LabelOptions(**given.values(ModelOptions)))
    for warning in labeler.warnings:
        report(Warned(warning))
    remembered = RememberedSplit.from_metadata(labeler.metadata.split)
    files = _files(given, remembered, report)
    label_ids = _label_ids(files, labeler, given, report)
    if remembered and remembered.has_decisions and not given.clean_list:
        label_ids = _decided(label_ids, files, remembered, labeler.labels, given.bottleneck_dir, report)
    read = _Reading.of(labeler, files, label_ids, remembered, given.bottleneck_dir, report)
    selected = (
        select_unseen(remembered, files, label_ids, read.digests, report) if remembered else select_all(label_ids)
    )
    if files.parts is not None and Part.TESTING in files.parts:
        # Photos without a given part are selected only if the model drew them as test photos.
        selected = selected.without_new(files.parts[selected.rows] == DRAWN)
    rows = selected.rows[read.readable[selected.rows]]
    if not len(rows):
        which = "test photos" if selected.left_out else "photos"
        raise DatasetError(
            f"No readable {which} in '{shown(files.root)}'.",
            "Give another folder as --image_dir, with photos that are new to the model." if selected.left_out else "",
        )
    scores, own = _distributions(read.scores[rows]), label_ids[rows]
    part = selected.report(read.readable[selected.rows], files.root, report)
    return Evaluation(
        graph=given.graph,
        image_dir=files.root,
        part="given" if _are_given(files, rows) and part != "unseen" else part,
        learnt=selected.learnt,
        labels=labeler.labels,
        assessment=assess(labeler.labels, scores, own, None if files.groups is None else files.groups[rows]),
        measured=Measured(labeler.labels, [files.paths[row] for row in rows], own, scores),
        skipped=report.skipped,
        unlisted=report.unlisted,
        left_out=selected.left_out,
        cleaned=report.cleaned,
        problems=tuple(report.problems),
        warnings=report.warnings,
    )


def _image_dir(options: EvaluateOptions, remembered: RememberedSplit | None) -> str:
    """The folder to measure on: the given one, or else the model's own."""
    if options.image_dir:
        return options.image_dir
    if not remembered:
        raise OptionError(
            f"--image_dir is missing: expected a folder of photos; '{shown(options.graph)}' remembers none.",
            "Give it as --image_dir FOLDER.",
        )
    if was_in_memory(remembered.image_dir):
        raise OptionError(
            f"'{shown(options.graph)}' learnt from {shown(remembered.image_dir)}; expected photos to measure it on, "
            "received none.",
            "Give them: evaluate(model, photos), or retrainer evaluate PHOTOS.",
            path=options.graph,
        )
    if not os.path.exists(remembered.image_dir) and within_archive(remembered.image_dir) is None:
        raise OptionError(
            f"'{shown(options.graph)}' learnt from '{shown(remembered.image_dir)}'; expected that folder, found none.",
            "Give its place now as --image_dir FOLDER.",
            path=remembered.image_dir,
        )
    return remembered.image_dir


def _files(options: EvaluateOptions, remembered: RememberedSplit | None, report: Reporter) -> PhotoFiles:
    """The files to measure on; if some are given as test photos, only those."""
    image_dir = _image_dir(options, remembered)
    own = remembered is not None and os.path.realpath(remembered.image_dir) == os.path.realpath(image_dir)
    # A model that split its own photos anew has test photos in all given parts. Tables in memory may all be others.
    anew = remembered if own and not isinstance(image_dir, TableInMemory) else None
    split_by = anew.split_by if anew and anew.split_by != FOLDERS else AUTO
    label_from = options.label_from or (remembered.label_from if remembered and own else "")
    read = partial(scan, image_dir, report, fewest=1, split_by=split_by, label_from=label_from)
    files = scanned_by_list(options.clean_list, read, options.bottleneck_dir, report, fewest=1)
    if files.parts is None or Part.TESTING not in files.parts:
        return files
    # The model may have drawn test photos among those of its own that have no given part.
    tests = (files.parts == Part.TESTING) | ((files.parts == DRAWN) & own)
    drawn = ", and those that the model drew" if (files.parts[tests] == DRAWN).any() else ""
    count = int((files.parts == Part.TESTING).sum())
    report(Noted(f"Only the given test photos of '{shown(image_dir)}' are measured: {count:,} files{drawn}"))
    return files.where(tests)


def _are_given(files: PhotoFiles, rows: Integers) -> bool:
    """Whether the files of some rows are all given as test photos."""
    return files.parts is not None and bool((files.parts[rows] == Part.TESTING).all())


def _label_ids(files: PhotoFiles, labeler: Labeler, options: EvaluateOptions, report: Reporter) -> Integers:
    """The class ids of files, `(N,)`, by the model's labels; -1 for files of a folder without any readable photo."""
    ids = class_ids_of(files.classes, labeler.labels)
    folder_of: dict[int, str] = {}
    for number, (folder, label_id) in enumerate(zip(files.classes, ids, strict=True)):
        if label_id >= 0:
            other = folder_of.setdefault(label_id, folder)
            if other != folder:
                label = shown(labeler.labels[label_id])
                raise DatasetError(
                    f"Folders '{shown(other)}' and '{shown(folder)}' both stand for '{label}'.",
                    "Rename one of them, or merge the two.",
                )
        elif _holds_a_photo(labeler, [files.paths[row] for row in np.flatnonzero(files.class_ids == number)]):
            raise DatasetError(
                f"'{shown(folder)}' stands for the label '{shown(label_of(folder))}'; "
                f"expected one of {_some(labeler.labels)}.",
                "Name only the model's own classes" + (", or leave out --labels." if options.labels else "."),
            )
        else:
            report(no_photos_in(folder))
    return np.array(ids, np.int64)[files.class_ids]


def _decided(
    label_ids: Integers,
    files: PhotoFiles,
    remembered: RememberedSplit,
    labels: Sequence[str],
    bottleneck_dir: str,
    report: Reporter,
) -> Integers:
    """The class ids of files `(N,)` by the decisions that the model was trained with; -1 for what they set aside."""
    from retrainer.bottlenecks.file_hashes import FileHashes
    from retrainer.photos.clean_list.honouring import cleaned

    rows = np.flatnonzero(label_ids >= 0)
    digests = _no_digests(files)
    digests[rows] = FileHashes(files, bottleneck_folder(bottleneck_dir), report).digests(rows.tolist())
    decided = remembered.decided(label_ids, digests, labels)
    set_aside = int(((label_ids >= 0) & (decided < 0)).sum())
    relabelled = int(((label_ids != decided) & (decided >= 0)).sum())
    if set_aside or relabelled:
        report(cleaned(set_aside, relabelled, "the list that the model was trained with"))
    return decided


def _some(labels: Sequence[str]) -> str:
    """The first labels, for a message."""
    names = ", ".join(map(shown, labels[:_NAMED]))
    return f"{names} and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else names


def _holds_a_photo(labeler: Labeler, paths: Sequence[str]) -> bool:
    for path in paths:
        with suppress(PictureError):
            labeler(path)
            return True
    return False


@dataclass(frozen=True, eq=False)
class _Reading:
    """N files, each read at most once.

    Attributes:
        digests: SHA-256 of their bytes, `(N, 32)`; zero if that is neither known nor needed.
        scores: Of the photos that may be measured, float32 `(N, C)`, 0 to 1; zero for all others.
        readable: Whether a photo has scores, `(N,)`.
    """

    digests: Digests
    scores: Floats
    readable: Bools

    @classmethod
    def of(
        cls,
        labeler: Labeler,
        files: PhotoFiles,
        label_ids: Integers,
        remembered: RememberedSplit | None,
        bottleneck_dir: str,
        report: Reporter,
    ) -> "_Reading":
        """Hashes and labels the photos with a class id; a photo that the model certainly saw is not labelled."""
        was_seen = remembered.was_seen if remembered else _is_new
        # Without a remembered split all photos are measured, whatever the cache knows of them.
        digests = _known_digests(files, bottleneck_dir, report) if remembered else _no_digests(files)
        seen = [was_seen(digest.tobytes()) for digest in digests]
        rows = np.flatnonzero((label_ids >= 0) & ~np.array(seen, np.bool_)).tolist()
        rows = [rows[number] for number in reading_order([files.paths[row] for row in rows])]
        scores = np.zeros((len(label_ids), len(labeler.labels)), np.float32)
        readable = np.zeros(len(label_ids), np.bool_)

        def read(labeler: Labeler, path: str) -> tuple[bytes, Floats | None]:
            content = content_of(path)
            digest = hashlib.sha256(content).digest()
            return digest, None if was_seen(digest) else labeler.scores(content)

        results = labeler.on_all_cores(read, [files.paths[row] for row in rows])
        for done, (row, result) in enumerate(zip(rows, results, strict=True), start=1):
            if isinstance(result, PictureError):
                report(PhotoSkipped(files.paths[row], result.problem))
            else:
                digests[row] = np.frombuffer(result[0], np.uint8)
                if result[1] is not None:
                    scores[row], readable[row] = result[1], True
            report(ExtractionAdvanced(done, len(rows)))
        return cls(digests, scores, readable)


def _known_digests(files: PhotoFiles, bottleneck_dir: str, report: Reporter) -> Digests:
    """The digests of unchanged files that the bottleneck cache knows, `(N, 32)`; zero for all others."""
    folder = bottleneck_folder(bottleneck_dir)
    if not folder.is_dir():
        return _no_digests(files)
    if not bottleneck_dir:
        mark_used(folder / FILES)
    return FileIndex(folder, report).digests(list(map(os.path.abspath, files.paths)), files.stamps)[0]


def _no_digests(files: PhotoFiles) -> Digests:
    return np.zeros((len(files.paths), DIGEST_BYTES), np.uint8)


def _is_new(_digest: bytes) -> bool:
    return False


def _distributions(scores: Floats) -> Floats:
    """Scores `(n, C)` scaled so that each row sums to 1: some models score labels independently or in integers."""
    sums = scores.sum(axis=1, keepdims=True)
    if np.abs(sums - 1).max() <= _DISTRIBUTION_TOLERANCE:
        return scores
    distributions: Floats = scores / np.maximum(sums, np.finfo(np.float32).tiny)
    return distributions
