"""A download that is not complete: its bytes so far, and the version of the file that they belong to."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrainer.backbones.fetching.archives import MAX_BYTES
from retrainer.errors import DownloadError
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.system.deadline import Deadline

PARTIAL_CONTENT = 206
_BLOCK = 1 << 18


@dataclass(frozen=True)
class PartialFile:
    """The first bytes of a download; a second file beside it keeps the version that the server gave them."""

    path: Path

    @property
    def _version(self) -> Path:
        return self.path.with_name(f"{self.path.name}.version")

    @property
    def size(self) -> int:
        """The number of bytes that a later request can continue from; 0 if it must start again."""
        return self.path.stat().st_size if self.path.is_file() and self._version.is_file() else 0

    @property
    def headers(self) -> dict[str, str]:
        """The request headers that ask for the missing bytes; none if the download must start again."""
        if not self.size:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._version.read_text("latin-1")}

    def remove(self) -> None:
        """Removes both files."""
        for path in (self.path, self._version):
            path.unlink(missing_ok=True)

    def append(self, answer: Any, advanced: Callable[[int, int], None], deadline: "Deadline") -> None:
        """Writes an answer's bytes behind those that are here, or from the beginning if the answer starts there.

        Args:
            answer: The open answer of `requests`.
            advanced: Is called with the number of bytes that are here, and of all bytes (0 if the server does not say).
            deadline: Is told of the bytes as they come.

        Raises:
            DownloadError: the bytes are too many.
            requests.Timeout: the time is over.
            ValueError: fewer bytes came than the server announced, or others than were asked for.
        """
        held, expected = self._prepared_for(answer)
        received = held
        with self.path.open("ab") as handle:
            while block := answer.raw.read1(_BLOCK, decode_content=False):
                received += len(block)
                deadline.came(len(block))
                if received > MAX_BYTES:
                    self.remove()
                    raise DownloadError(f"'{shown(answer.url)}': more than the limit of {MAX_BYTES >> 30} GB.")
                handle.write(block)
                advanced(received, expected)
            deadline.require()
            handle.flush()
            os.fsync(handle.fileno())
        if received < expected:
            raise ValueError(f"{received:,} of {expected:,} bytes came")

    def _prepared_for(self, answer: Any) -> tuple[int, int]:
        """Returns the number of bytes that stay, and of all bytes (0 if the server does not say)."""
        length, version = answer.headers.get("Content-Length", ""), _version_of(answer)
        size = int(length) if length.isdecimal() else 0
        if answer.status_code == PARTIAL_CONTENT:
            held = self.path.stat().st_size if self.path.is_file() else 0
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            # Some servers heed Range but not If-Range.
            same = not version or not self._version.is_file() or self._version.read_text("latin-1") == version
            if span is None or int(span[1]) != held or not same:
                self.remove()
                raise ValueError("other bytes came than were asked for")
            return held, held + size if span[2] == "*" else int(span[2])
        self.remove()
        if version and answer.headers.get("Accept-Ranges", "bytes") != "none":
            self._version.write_text(version, "latin-1")
        return 0, size


def _version_of(answer: Any) -> str:
    """The server's mark of a version: a strong ETag, or the date; a weak ETag is none (RFC 9110, 13.1.5)."""
    tag = str(answer.headers.get("ETag", ""))
    if tag:
        return "" if tag.startswith("W/") else tag
    return str(answer.headers.get("Last-Modified", ""))
