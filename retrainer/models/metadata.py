"""What a model says of itself: the JSON document that travels inside the `.pb` and the `.tflite`."""

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
# How `images` makes a picture square; part of a cache's key, too. The same name means the same pixels of the same file.
RESIZE_RULE = "squash-area-2"
INPUT_NODE = "input"
# What the 2017 label_image assumed of every graph; only models that do not describe themselves need it.
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
    """All that a labeler needs besides the network itself.

    Attributes:
        labels: One per output score, in order.
        input_size: Height and width of the input in pixels.
        mean, std: The network's input is `(pixel - mean) / std`, pixels 0 to 255.
        output_node: The scores' tensor, without `:0`.
        resize: The rule by which a picture becomes square: `RESIZE_RULE`.
        backbone: Name, source, licence and SHA-256 of the network below the head.
        rejection: The `threshold` of the distance to the model's prototypes; empty where it carries none.
        split: Which photos it was trained and tested on: `measuring.remembered_split`; empty if it does not remember.
        training: How the head was trained, and how well it did; for people, nothing depends on it.
        retrainer: The version that made the model; `_EARLIER` in the first format.
        format: Of the document.
        model_id: SHA-256 over all of the above, the head's weights and the prototypes; equal in twins only.
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
        """Whether the model ends with its hash, `models.sealing`, unless it lost it."""
        return self.format != UNSEALED_FORMAT

    def identified(self, weights: bytes) -> "ModelMetadata":
        """A copy whose `model_id` is computed from everything else and all weights as bytes."""
        import hashlib  # takes milliseconds, which `--help` does without

        content = hashlib.sha256(replace(self, model_id="").to_bytes())
        content.update(weights)
        return replace(self, model_id=content.hexdigest())

    def to_json(self) -> str:
        """The document, with its `format` number."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1)

    def to_bytes(self) -> bytes:
        """The document in UTF-8; bytes of paths that are none survive, as `json.loads` reads them back."""
        return self.to_json().encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, content: bytes, path: str) -> "ModelMetadata":
        """Reads the document and holds it against the table of its fields.

        Args:
            content: What `to_bytes` wrote.
            path: The model's path, for the message.

        Raises:
            ModelError: it is no such document, or one of a later format.
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
        """Raises ModelError unless this describes the network that it lies in.

        Args:
            path: The model's, for the message.
            input_size: S of its input, pixels; 0 if the network does not tell.
            scores: How many it gives, or 0.
        """
        told = ("input_size", self.input_size, input_size), ("labels", len(self.labels), scores)
        for name, stated, found in told:
            if found and stated != found:
                raise ModelError(
                    f"'{shown(path)}': its metadata is damaged: its '{name}' is not as expected: "
                    f"{found:,}, as its network has, received {stated:,}.",
                    "Retrain the model.",
                )
