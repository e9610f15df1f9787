"""Findings about files: those that are no picture or a damaged one, and names with the ending of another format."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress

from retrainer.errors import PictureError
from retrainer.findings.evidence import Evidence
from retrainer.findings.measured import Measured
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.photos.files import PhotoFiles
from retrainer.photos.photo import content_of
from retrainer.text import shown

_ENDINGS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".jif"), "JPEG"),
    **dict.fromkeys((".png", ".apng"), "PNG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".bmp", ".dib"), "BMP"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    ".gif": "GIF",
    ".webp": "WebP",
    ".avif": "AVIF",
}
"""The format that each ending belongs to. Other endings say nothing."""


def file_findings(files: PhotoFiles, problems: Mapping[str, str]) -> list[Finding]:
    """Returns a finding for each file that cannot be read as a photo, in the order of the files.

    Args:
        files: The files that were scanned.
        problems: The paths of those that cannot be read -> the reason, as in `events.PhotoSkipped`.
    """
    return [
        Finding(
            kind=Kind.UNREADABLE,
            path=path,
            sha256=_digest_of(path),
            label=files.labels[int(class_id)],
            reason=_sentence(problems[path]),
            suggestion=Action.SET_ASIDE,
        )
        for path, class_id in zip(files.paths, files.class_ids, strict=True)
        if path in problems
    ]


def extension_findings(evidence: Evidence, measured: Measured) -> list[Finding]:
    """Returns a finding for each readable photo whose ending belongs to another format, in the order of the photos."""
    found = []
    for row, (path, content) in enumerate(zip(evidence.dataset.paths, measured.looks.formats, strict=True)):
        ending = os.path.splitext(path)[1]
        named = _ENDINGS.get(ending.lower())
        if named and content and named != content:
            reason = f"The content is {content}, the ending '{shown(ending)}' belongs to {named}."
            found.append(evidence.finding(row, Kind.EXTENSION, 1.0, reason))
    return found


def _digest_of(path: str) -> str:
    """SHA-256 of a file as hexadecimal digits; empty if it cannot be read."""
    with suppress(PictureError):
        return hashlib.sha256(content_of(path)).hexdigest()
    return ""


def _sentence(problem: str) -> str:
    text = shown(problem)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
