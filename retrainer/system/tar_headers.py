"""Headers of tar files that are small enough to read, and do not lead back."""

import tarfile

MAX_HEADER_BYTES = 2**20


class BoundedHeader(tarfile.TarInfo):
    """A member whose extended header has a limited size, because tarfile reads it into memory.

    A negative size would have it read the same header again and again, and many extended headers in a row exceed the
    depth of Python's stack.
    """

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        _require_size(self)
        if not self.isfile() and not self.isdir() and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        try:
            member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        except RecursionError:
            raise tarfile.ReadError("too many headers of one file") from None
        _require_size(member)  # an extended header may state another one
        return member


def _require_size(member: tarfile.TarInfo) -> None:
    if member.size < 0:
        raise tarfile.ReadError(f"a size of {member.size:,} bytes")
