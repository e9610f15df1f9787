"""All finders in one table: what each looks at, and what it finds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from retrainer.findings.classes import class_findings
from retrainer.findings.copies import copy_findings
from retrainer.findings.evidence import Evidence
from retrainer.findings.files import extension_findings, file_findings
from retrainer.findings.labels import label_findings
from retrainer.findings.looks import look_findings
from retrainer.findings.measured import Measured
from retrainer.findings.outliers import outlier_findings
from retrainer.photos.clean_list.finding import Finding, Kind
from retrainer.photos.files import PhotoFiles


@dataclass(frozen=True, eq=False)
class Seen:
    """What finders look at.

    Attributes:
        evidence: The photos that can be read, with their vectors and scores.
        measured: The same photos without a network: fingerprints, looks and copies.
        files: All files, also those that cannot be read.
        problems: The path of a file that cannot be read -> the reason.
    """

    evidence: Evidence
    measured: Measured
    files: PhotoFiles
    problems: Mapping[str, str]


Finder = Callable[[Seen], Sequence[Finding]]

FINDERS: tuple[Finder, ...] = (
    lambda seen: label_findings(seen.evidence),
    lambda seen: outlier_findings(seen.evidence),
    lambda seen: class_findings(seen.evidence),
    lambda seen: copy_findings(seen.evidence, seen.measured),
    lambda seen: look_findings(seen.evidence, seen.measured),
    lambda seen: extension_findings(seen.evidence, seen.measured),
    lambda seen: file_findings(seen.files, seen.problems),
)
"""Who looks for findings. Those of a kind come from one of them, the surest first."""

_ORDER = {kind: place for place, kind in enumerate(Kind)}


def find(seen: Seen) -> list[Finding]:
    """Returns all findings: kind by kind, in the order of `Kind`, the surest of each first."""
    findings = [finding for finder in FINDERS for finding in finder(seen)]
    return sorted(findings, key=lambda finding: _ORDER[finding.kind])
