"""Picture files, also those in archives -> their bytes."""

import os
import stat

from retrainer.errors import PictureError
from retrainer.system.paths import is_address
from retrainer.system.portable import is_below_a_file, opened

# Videos among the photos are refused by their size, before they are loaded.
MAX_BYTES = 2**30


def read_file(path: str) -> bytes:
    """The bytes of a picture file; its path may lead into an archive, such as `photos.zip/cat/1.jpg`.

    Raises:
        PictureError: the file cannot be read, or is larger than any picture.
    """
    if not path:
        raise PictureError("expected a path, received an empty text")
    try:
        handle = opened(path)
        try:
            return _content(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if is_below_a_file(error):
            from retrainer.photos.archives import read_member  # plain files need no reader of archives

            if (content := read_member(path, MAX_BYTES)) is not None:
                return content
        if is_address(path):
            raise PictureError("cannot be read: this is an address and no file", "Give the bytes behind it.") from error
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a zero byte, or a character that no path holds
        raise PictureError(f"cannot be read: this is no path: {error}") from error


def require_few_bytes(size: int) -> None:
    """Raises PictureError if a file is larger than any picture."""
    if size > MAX_BYTES:
        raise PictureError(f"{size:,} bytes are more than the limit of {MAX_BYTES:,}")


def _content(handle: int) -> bytes:
    """Reads a file in as few calls as possible, since each lets other threads take Python's lock."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("expected a file, received a folder, pipe, socket or device")
    require_few_bytes(status.st_size)
    content = os.read(handle, status.st_size)
    while len(content) < status.st_size and (more := os.read(handle, status.st_size - len(content))):
        content += more
    return content
