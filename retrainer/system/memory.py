"""Recognises errors that mean too little memory, and reports them."""

import errno

from retrainer.errors import ResourceError, RetrainerError
from retrainer.system.portable import address_space_limit

# Words of libraries in errors of other types.
_WORDS = (
    *("out of memory", "not enough memory", "insufficient memory", "cannot allocate", "failed to allocate"),
    *("failed to map segment", "allocation failed", "bad_alloc"),
    *("can't start new thread", "failed to launch worker thread"),
)


def is_shortage(error: BaseException | None) -> bool:
    """Whether an error, or a cause of it, says that memory or threads ran out."""
    # Messages of our own name files, whose names may hold those words.
    while isinstance(error, RetrainerError) and not isinstance(error, ResourceError):
        error = error.__cause__
    seen: set[int] = set()  # an error may be its own cause
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _WORDS):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        error = error.__cause__ or error.__context__
    return False


def has_room(size: int) -> bool:
    """Whether the system gives `size` more bytes now."""
    try:
        bytearray(size)
    except MemoryError:
        return False
    return True


def shortage(purpose: str = "") -> ResourceError:
    """The error for too little memory; the purpose begins with "to", as in "to decode a photo"."""
    limit = address_space_limit()
    limited = "" if limit is None else f": `ulimit -v` allows {limit // 2**20:,} MB"
    return ResourceError(
        f"Not enough memory{' ' if purpose else ''}{purpose}{limited}.",
        "Raise the limit (`ulimit -v unlimited`), close other programs, or use a machine or container with more.",
    )


def require_address_space(megabytes: int, purpose: str) -> None:
    """Raises ResourceError if `ulimit -v` allows less than even the smallest work takes.

    Some libraries end the process if memory lacks, so that this is checked before they are called.

    Args:
        megabytes: The address space that is needed, MiB.
        purpose: What it is needed for, as in "to label".
    """
    limit = address_space_limit()
    if limit is not None and limit < megabytes * 2**20:
        raise shortage(f"{purpose}, which takes at least {megabytes:,} MB")


def require_memory(error: Exception, purpose: str) -> None:
    """Raises ResourceError if an error means that memory ran out."""
    if is_shortage(error):
        raise shortage(purpose) from error
