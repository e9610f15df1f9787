"""Headers of tar files that are small enough to read."""

import tarfile

MAX_HEADER_BYTES = 2**20


class BoundedHeader(tarfile.TarInfo):
    """A member whose extended header has a limited size, because tarfile reads it into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isfile() and not self.isdir() and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member
