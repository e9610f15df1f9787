"""Too little memory: how it shows, and what is said of it."""

import errno

from retrainer.errors import ResourceError

# What libraries say in errors of other kinds.
_WORDS = ("out of memory", "not enough memory", "insufficient memory", "cannot allocate", "failed to allocate")
_THREADS = "can't start new thread"


def is_shortage(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that memory or threads ran out."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in (*_WORDS, _THREADS)):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        error = error.__cause__ or error.__context__
    return False


def has_room(size: int) -> bool:
    """Whether so many bytes more can be had of the system now."""
    try:
        bytearray(size)
    except MemoryError:
        return False
    return True


def shortage(doing: str) -> ResourceError:
    """What is raised if memory does not suffice for something, as in "to decode a photo"."""
    return ResourceError(
        f"Not enough memory {doing}.",
        "Close other programs, raise the limit (`ulimit -v unlimited`), or use a machine or container with more.",
    )


def require_memory(error: Exception, doing: str) -> None:
    """Raises ResourceError if an error says that memory ran out."""
    if is_shortage(error):
        raise shortage(doing) from error
