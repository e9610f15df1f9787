"""A model as the bytes of its `.tflite`, which pickle."""

import threading

from retrainer.labeler import Labeler
from retrainer.system.files import write_whole
from retrainer.system.temporary import TemporaryFolder


class PackedModel:
    """A model that is opened when it is needed, and stays open.

    Attributes:
        content: The bytes of the `.tflite`.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._lock = threading.Lock()
        self._labeler: Labeler | None = None

    @property
    def labeler(self) -> Labeler:
        """The open model.

        Raises:
            ModelError: the bytes are no model.
        """
        with self._lock:
            if self._labeler is None:
                # A labeler opens its file again for each core.
                folder = TemporaryFolder()
                path = folder.path / "model.tflite"
                write_whole(path, self.content)
                self._labeler = Labeler(str(path))
                folder.keep_for(self._labeler)
            return self._labeler

    def __reduce__(self) -> tuple[type["PackedModel"], tuple[bytes]]:
        return type(self), (self.content,)
