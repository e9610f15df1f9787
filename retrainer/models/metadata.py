"""The metadata of a model: a JSON document inside the `.pb` and the `.tflite`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from retrainer.errors import ModelError
from retrainer.models.metadata_fields import FORMAT, SECTIONS, TABLE, UNSEALED_FORMAT
from retrainer.system.documents import brief, read_document, require
from retrainer.text import shown
from retrainer.version import VERSION

_EARLIER = "an earlier version"
# The rule by which `images` makes a picture square. A rule that gives other pixels gets another name, and caches of
# the old one are not used.
RESIZE_RULE = "squash-area-2"
INPUT_NODE = "input"
# The 2017 label_image assumed these for every graph. They serve models that do not describe themselves.
USUAL_SIZE, USUAL_MEAN, USUAL_STD = 224, 128.0, 128.0
METADATA_NODE = "retrainer/metadata"
METADATA_FILE = "retrainer.json"
LABELS_FILE = "labels.txt"
PROTOTYPES_NODE = "retrainer/prototypes"
PROTOTYPES_FILE = "prototypes.npy"
TWIN_NODE = "retrainer/twin"
SEAL_NODE = "retrainer/seal"


@dataclass(frozen=True)
class ModelMetadata:
    """Everything that a labeler needs besides the network itself.

    Attributes:
        labels: One per score, in the order of the scores.
        input_size: Height and width of the input in pixels.
        mean, std: The network's input is `(pixel - mean) / std`, pixels 0 to 255.
        output_node: The name of the scores' tensor, without `:0`.
        resize: The rule by which a picture is made square; `RESIZE_RULE` is the only one that can be applied.
        backbone: Name, source, licence and SHA-256 of the network below the head.
        rejection: The `threshold` of the distance to the prototypes, 0 to 2; empty if the model has no prototypes.
        split: Which photos it was trained and tested on, see `measuring.remembered_split`; may be empty.
        training: How the head was trained and how well it did, for people to read.
        retrainer: The version that made the model; format 1 does not state it.
        format: The format of the document.
        model_id: SHA-256 of all other fields, the head and the prototypes; a model's files have the same one.
    """

    labels: tuple[str, ...]
    input_size: int
    mean: float
    std: float
    output_node: str
    resize: str
    backbone: Mapping[str, Any] = field(default_factory=dict)
    rejection: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    retrainer: str = VERSION
    format: int = FORMAT
    model_id: str = ""

    @property
    def is_sealed(self) -> bool:
        """Whether the file must end with a seal, see `seal`."""
        return self.format != UNSEALED_FORMAT

    def identified(self, weights: bytes) -> "ModelMetadata":
        """Returns a copy with its `model_id`, given the bytes of the head and the prototypes."""
        import hashlib  # takes milliseconds, and not every command needs it

        content = hashlib.sha256(replace(self, model_id="").to_bytes())
        content.update(weights)
        return replace(self, model_id=content.hexdigest())

    def to_json(self) -> str:
        """The document as text."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1)

    def to_bytes(self) -> bytes:
        """The document in UTF-8. Bytes of paths that are not UTF-8 survive as surrogates."""
        return self.to_json().encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, content: bytes, path: str) -> "ModelMetadata":
        """Reads a document and checks it against the table of fields.

        Args:
            content: The bytes that `to_bytes` returned.
            path: The model's path, for the message.

        Raises:
            ModelError: a field is missing, unknown or out of its limits, or the format is a later one.
        """
        try:
            document = read_document(content)
            version = document.get("format")
            if type(version) is int and version > FORMAT:
                raise ModelError(
                    f"'{shown(path)}': its metadata has format {brief(version)}; expected at most {FORMAT}.",
                    "Upgrade retrainer, or retrain the model with this version.",
                )
            if version == UNSEALED_FORMAT:
                document.setdefault("retrainer", _EARLIER)
            require(document, TABLE)
            for name, table in SECTIONS.items():
                if document[name]:
                    require(document[name], table, name)
        except ValueError as error:
            raise ModelError(f"'{shown(path)}': its metadata is damaged: {error}.", "Retrain the model.") from error
        return cls(**{**document, "labels": tuple(document["labels"])})

    def require_fit(self, path: str, input_size: int, scores: int) -> None:
        """Raises ModelError unless this describes the network beside it in the file.

        Args:
            path: The model's path, for the message.
            input_size: S of the network's input, pixels; 0 if it is unknown.
            scores: The number of scores that the network gives; 0 if it is unknown.
        """
        for name, stated, found in (
            ("input_size", self.input_size, input_size),
            ("labels", len(self.labels), scores),
        ):
            if found and stated != found:
                raise ModelError(
                    f"'{shown(path)}': its metadata is damaged: its '{name}' is not as expected: "
                    f"{found:,}, as its network has, received {stated:,}.",
                    "Retrain the model.",
                )
