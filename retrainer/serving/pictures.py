"""Pictures of photos for a browser of this machine: pixels, and nothing else of their files."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from retrainer.errors import RetrainerError
from retrainer.photos.thumbnails import thumbnail
from retrainer.serving.guard import RefusedError
from retrainer.text import reason_of, shown

SMALL, LARGE = (240, 12_000), (1280, 500_000)
# Pictures that are made at once; each may need the memory of a whole photo.
_AT_ONCE = 4
_KEPT_BYTES = 2**25


class Pictures:
    """Makes pictures, and keeps the latest small ones; all threads may use it.

    Args:
        read: Path -> the bytes of a photo's file; may raise anything.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._making = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def small(self, path: str) -> bytes:
        """A JPEG of at most 12 kB.

        Raises:
            RefusedError: the photo cannot be read.
        """
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        content = self._made(path, *SMALL)
        with self._lock:
            if path not in self._kept:
                self._kept[path] = content
                self._size += len(content)
            while self._size > _KEPT_BYTES:
                self._size -= len(self._kept.popitem(last=False)[1])
        return content

    def large(self, path: str) -> bytes:
        """A JPEG of at most 500 kB.

        Raises:
            RefusedError: the photo cannot be read.
        """
        return self._made(path, *LARGE)

    def _made(self, path: str, side: int, most: int) -> bytes:
        with self._making:
            try:
                return thumbnail(self._read(path), side, most)
            except RetrainerError as error:
                raise RefusedError(404, f"No picture: {error.problem}.") from error
            except Exception as error:  # a photo that is gone or hostile costs no more than its own place
                raise RefusedError(404, f"No picture: {shown(reason_of(error))}.") from error
