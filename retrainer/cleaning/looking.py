"""Looks for photos that may be wrong: scan, extract, score by folds, find, and merge with the decisions made before."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from retrainer.cleaning.outcomes import effect_of, files_of
from retrainer.errors import OptionError
from retrainer.events import Observer
from retrainer.findings.evidence import Evidence, evidence_of
from retrainer.findings.finders import Seen, find
from retrainer.findings.measured import measured
from retrainer.measuring.cleaning_effect import CleaningEffect
from retrainer.options.calling import options_with_photos, takes_options
from retrainer.options.cleaning import CleanOptions
from retrainer.options.in_memory import PhotoSource
from retrainer.photos.clean_list.accepting import accepted, kinds_of
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list
from retrainer.photos.clean_list.finding import Finding, Kind
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.photos.parts import Part
from retrainer.preparation import prepare
from retrainer.reporting import SKIPPED, Reporter, Stopwatch
from retrainer.results.cleaning import Cleaning
from retrainer.system.files import require_writable
from retrainer.system.missing import NamingPackages
from retrainer.system.process import one_blas_thread

if TYPE_CHECKING:
    from typing import Unpack

    from retrainer.options.keywords import CleanKeywords


@takes_options(CleanOptions)
@NamingPackages()
@one_blas_thread()
@np.errstate(under="ignore")
def clean(
    photos: CleanOptions | PhotoSource | None = None,
    *,
    on_progress: Observer | None = None,
    **options: "Unpack[CleanKeywords]",
) -> Cleaning:
    """Looks for photos that may be wrong: `clean("photos", clean_list="clean.csv")`. It changes no photo.

    Args:
        photos: A folder, a table or `(pictures, labels)`, as `retrain` takes them. Or all options as one
            `CleanOptions`.
        on_progress: Called with every event, in the calling thread. What it raises ends the work.
        options: Options by name, see below. The list is written if it is named here; decisions in it are kept.

    Raises:
        RetrainerError: one of its kinds; the list stays as it was.
    """
    run = options_with_photos(CleanOptions, photos, options, "clean")
    kinds = kinds_of(run.accept) if run.accept else ()
    with Reporter(on_progress, strict=run.strict, once=True) as report, _opened(run.clean_list) as file:
        return _cleaned(run, kinds, file, report)


@takes_options(CleanOptions)
@NamingPackages()
@one_blas_thread()
@np.errstate(under="ignore")
def measure_cleaning(
    photos: CleanOptions | PhotoSource | None = None,
    *,
    on_progress: Observer | None = None,
    **options: "Unpack[CleanKeywords]",
) -> CleaningEffect:
    """Measures what the decisions of a list bring: `measure_cleaning("photos", clean_list="clean.csv")`.

    Heads learn from the photos as they lie, and as the decisions make them. Both are tested by the same folds on the
    photos that no decision changes.

    Args:
        photos, on_progress: As for `clean`.
        options: Options by name, see below; `clean_list` is needed.

    Raises:
        RetrainerError: one of its kinds.
    """
    run = options_with_photos(CleanOptions, photos, options, "measure_cleaning")
    if not run.clean_list:
        raise OptionError("--clean_list is missing: expected the list whose decisions are measured.")
    decisions = read_clean_list(run.clean_list)
    with Reporter(on_progress, strict=run.strict, once=True) as report:
        return effect_of(run, report, decisions)


def _opened(path: str) -> "ListFile | nullcontext[None]":
    """The list, which no other process changes meanwhile; nothing if it has no path."""
    if not path:
        return nullcontext()
    require_writable(path)
    return ListFile(path)


def _cleaned(run: CleanOptions, kinds: tuple[Kind, ...], file: ListFile | None, report: Reporter) -> Cleaning:
    stopwatch = Stopwatch(report)
    known = file.current if file else CleanList()
    with stopwatch.stage("scan"):
        files = files_of(run, known, report)
    prepared = prepare(run.run, report, stopwatch, files=files, looks=True)
    with stopwatch.stage("folds"):
        evidence = evidence_of(prepared, run.run, report)
    with stopwatch.stage("findings"):
        seen = measured(prepared.dataset, run.bottleneck_dir, report)
        problems = {path: problem for kind, path, problem in report.problems if kind == SKIPPED}
        findings = find(Seen(evidence, seen, files, problems))

    def merged(current: CleanList) -> CleanList:
        return accepted(current.merged(_tested_before(current, findings)), kinds)

    return Cleaning(
        image_dir=str(run.image_dir),
        photos=len(prepared.dataset.paths),
        labels=prepared.dataset.labels,
        backbone=prepared.bundle.name,
        clean_list=file.update(merged) if file else merged(known),
        effect_of=partial(effect_of, run, report),
        known=_places(evidence),
        command=run.deciding,
        seconds=stopwatch.seconds,
        problems=tuple(report.problems),
        warnings=report.warnings,
    )


def _tested_before(known: CleanList, findings: Iterable[Finding]) -> list[Finding]:
    """Findings in which photos are test photos if they were at an earlier look: decisions may move a few of them."""
    tested = {row.finding.sha256 for row in known.rows if row.finding.part == Part.TESTING.word}
    return [replace(one, part=Part.TESTING.word) if one.part and one.sha256 in tested else one for one in findings]


def _places(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Path -> class and part of each photo."""
    dataset, words = evidence.dataset, {part.value: part.word for part in Part}
    labels = [dataset.labels[label_id] for label_id in dataset.label_ids.tolist()]
    parts = [words[part] for part in evidence.parts.tolist()]
    return dict(zip(dataset.paths, zip(labels, parts, strict=True), strict=True))
