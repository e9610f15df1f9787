"""All that is taken as a picture."""

import os
from typing import TypeAlias

from retrainer.photos.in_memory import InMemory
from retrainer.photos.photo import Photo

Picture: TypeAlias = str | os.PathLike[str] | InMemory | Photo
"""A picture, in any of these forms:

- a path as a `str` or an `os.PathLike`
- the bytes of a picture file: `bytes`, `bytearray` or `memoryview`
- a `PIL.Image.Image` of any mode; if its EXIF says how it is turned, it is turned upright
- an array, uint8, 0 to 255: grey `(H, W)` or `(H, W, 1)`, RGB `(H, W, 3)`, or RGB and opaqueness `(H, W, 4)`; what has
  `__array__`, such as a tensor on the CPU, is an array, too; OpenCV's arrays are BGR, so give `frame[..., ::-1]`
- a file that is open in binary mode, which is read from its position to its end
- a `Photo`, which has a name and is read when it is needed

Images and arrays give the same scores as the same pixels in a PNG file.
"""
