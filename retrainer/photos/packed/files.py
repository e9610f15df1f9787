"""Files that several threads read at any place, and compressed ones that are read from their beginning."""

import io
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO

from retrainer.errors import DatasetError
from retrainer.photos.packed.contents import BOMBS, is_bomb
from retrainer.system.portable import opened, read_at

ReadAt = Callable[[int, int], bytes]
"""Reads a number of bytes at an offset; fewer at the end of the file."""

_BLOCK, _BLOCKS = 2**20, 96


class File:
    """A file that is read at any offset by any thread, and closed when nothing needs it any more."""

    def __init__(self, path: str) -> None:
        self._handle = opened(path)
        weakref.finalize(self, os.close, self._handle)
        self.size = os.fstat(self._handle).st_size

    def read_at(self, start: int, count: int) -> bytes:
        """The bytes at an offset; fewer at the end."""
        content = read_at(self._handle, count, start)
        while len(content) < count and (more := read_at(self._handle, count - len(content), start + len(content))):
            content += more
        return content


class Unpacked:
    """The unpacked bytes of a compressed file, which has no places to jump to.

    Reading forward unpacks what lies between. The last 96 MiB are kept, so that threads may read a little out of order.
    Reading before them unpacks the file again, from its beginning.

    Args:
        file: The compressed file.
        unpacking: Opens its unpacked bytes, such as `gzip.open`.
    """

    def __init__(self, file: File, unpacking: Callable[[BinaryIO], BinaryIO]) -> None:
        self._file, self._unpacking = file, unpacking
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._rewind()

    def read_at(self, start: int, count: int) -> bytes:
        """The unpacked bytes at an offset; fewer at the end.

        Raises:
            DatasetError: the file unpacks to more than photos can.
        """
        first, last = start // _BLOCK, (start + count - 1) // _BLOCK
        with self._lock:
            try:
                content = b"".join([self._block(number) for number in range(first, last + 1)])
            except BaseException:
                self._rewind()
                raise
        start -= first * _BLOCK
        return content[start : start + count]

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            return self._blocks[number]
        if number < self._next:
            self._rewind()
        block = b""
        while self._next <= number:
            block = self._stream.read(_BLOCK)
            self._blocks[self._next] = block
            self._next += 1
            if len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
            if is_bomb(self._packed.tell(), self._next * _BLOCK):
                raise DatasetError(f"its files cannot be photos: {BOMBS}.", "Do not use this archive.")
            if not block:
                break
        return block

    def _rewind(self) -> None:
        self._packed = AsStream(self._file.read_at)
        self._stream = self._unpacking(io.BufferedReader(self._packed, _BLOCK))
        self._next = 0
        self._blocks.clear()


class AsStream(io.RawIOBase):
    """A stream of what a function reads, for readers that want a file."""

    def __init__(self, read_at: ReadAt) -> None:
        super().__init__()
        self._read_at, self._position = read_at, 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def seekable(self) -> bool:
        """Always True."""
        return True

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to an offset from the beginning or from here."""
        self._position = offset + (self._position if whence == os.SEEK_CUR else 0)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills a buffer; returns how many bytes were read."""
        content = self._read_at(self._position, len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
