"""Too little memory: how it shows, and what is said of it."""

import errno
import os
import resource

from retrainer.errors import ResourceError, RetrainerError

# What libraries say in errors of other kinds.
_WORDS = (
    *("out of memory", "not enough memory", "insufficient memory", "cannot allocate", "failed to allocate"),
    *("failed to map segment", "allocation failed", "bad_alloc"),
    *("can't start new thread", "failed to launch worker thread"),
)


def is_shortage(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that memory or threads ran out."""
    # A message of ours names files, which may be called anything.
    while isinstance(error, RetrainerError) and not isinstance(error, ResourceError):
        error = error.__cause__
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _WORDS):
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


def shortage(doing: str = "") -> ResourceError:
    """What is raised if memory does not suffice for something, as in "to decode a photo"."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    limited = "" if limit == resource.RLIM_INFINITY else f": `ulimit -v` allows {limit // 2**20:,} MB"
    return ResourceError(
        f"Not enough memory{' ' if doing else ''}{doing}{limited}.",
        "Raise the limit (`ulimit -v unlimited`), close other programs, or use a machine or container with more.",
    )


def require_address_space(megabytes: int, doing: str) -> None:
    """Raises ResourceError if a limit on this process's memory lies below what is needed even for the smallest work.

    Some libraries end the process if memory lacks, so that it must be asked beforehand. If there is a limit,
    libraries that are not imported yet are told to reserve less.

    Args:
        megabytes: Needed of the address space, MiB.
        doing: What for, as in "to label".
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return
    # Arrow's own allocators reserve 1 GiB at once; BLAS reserves some of it for each thread.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limit < megabytes * 2**20:
        raise shortage(f"{doing}, which takes at least {megabytes:,} MB")


def require_memory(error: Exception, doing: str) -> None:
    """Raises ResourceError if an error says that memory ran out."""
    if is_shortage(error):
        raise shortage(doing) from error
