"""The bundle: a backbone as three files in a folder of its name, made once.

`backbone.json` describes it (`Bundle`), `backbone.tflite` runs it, `backbone.pb` goes into retrained graphs; what was
made of a `.tflite` has no `backbone.pb`. Input float32 `(N, S, S, 3)` in [-1, 1]; output the pooled features `(N, D)`.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from retrainer.errors import BackboneError
from retrainer.files import content_digest, shown, write_whole

FORMAT = 1
DESCRIPTION, TFLITE, GRAPH = "backbone.json", "backbone.tflite", "backbone.pb"
# A network's input is (pixel - MEAN) / STD: pixels 0 to 255 become -1 to 1.
MEAN, STD = 127.5, 127.5


@dataclass(frozen=True)
class Bundle:
    """What `backbone.json` says, and where it lies.

    Attributes:
        name: What `--architecture` calls it.
        source: Where the network came from.
        licence: Its weights' licence.
        input_size: S, pixels.
        depth: D, the length of a feature vector.
        feature_node: The node of `backbone.pb` whose output is `(N, D)`.
        map_tensor: The tensor before the pooling in both files; empty where there is none.
        input_mean, input_std: What the network itself takes of a pixel, `(pixel - mean) / std`; the bundle's files take
            [-1, 1].
        batches: Whether `backbone.pb` takes several pictures at once.
        difference: How far its features were from the source's at most, relative to the largest of them.
        quantized: Whether `backbone.tflite` computes with int8.
        source_sha256: `content_digest` of what the source gave, empty where it is not known.
        sha256: File name -> SHA-256 in hexadecimal.
        folder: Where the three files lie; not part of the description.
    """

    name: str
    source: str
    licence: str
    input_size: int
    depth: int
    feature_node: str
    map_tensor: str = ""
    input_mean: float = MEAN
    input_std: float = STD
    batches: bool = True
    difference: float = 0.0
    quantized: bool = False
    source_sha256: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()

    @property
    def tflite_path(self) -> Path:
        """The network for LiteRT."""
        return self.folder / TFLITE

    @property
    def graph_path(self) -> Path:
        """The network as a GraphDef, where `has_graph`."""
        return self.folder / GRAPH

    @property
    def has_graph(self) -> bool:
        """Whether there is a `backbone.pb`."""
        return GRAPH in self.sha256


def write_bundle(parent: Path, bundle: Bundle, tflite: bytes, graph: bytes | None) -> Bundle:
    """Writes the files to `parent/<name>`, the description last, so that a bundle with one is whole."""
    folder = parent / bundle.name
    contents = {TFLITE: tflite} | ({} if graph is None else {GRAPH: graph})
    written = replace(
        bundle, sha256={name: hashlib.sha256(c).hexdigest() for name, c in contents.items()}, folder=folder
    )
    for name, content in contents.items():
        write_whole(folder / name, content)
    description: dict[str, Any] = {"format": FORMAT, **asdict(written)}
    del description["folder"]
    write_whole(folder / DESCRIPTION, (json.dumps(description, indent=1) + "\n").encode("utf-8"))
    return written


def copy_bundle(bundle: Bundle, parent: Path) -> Bundle:
    """Writes a bundle into another folder of bundles, where it is not the same already."""
    folder = parent / bundle.name
    with suppress(BackboneError):
        if read_bundle(folder).sha256 == bundle.sha256:
            return replace(bundle, folder=folder)
    graph = bundle.graph_path.read_bytes() if bundle.has_graph else None
    return write_bundle(parent, bundle, bundle.tflite_path.read_bytes(), graph)


def read_bundle(folder: Path) -> Bundle:
    """Opens the bundle in a folder and checks its files' hashes.

    Raises:
        BackboneError: it is of another format, incomplete or damaged.
    """
    fix = "Copy the bundle again; the built-in one comes with retrainer itself."
    try:
        description = json.loads((folder / DESCRIPTION).read_bytes())
        version = description.pop("format")
        if version != FORMAT:
            raise BackboneError(f"The bundle '{shown(folder)}' has format {version!r}; expected {FORMAT}.", fix)
        bundle = Bundle(**description, folder=folder)
        for name in {TFLITE, *bundle.sha256}:
            if name not in (TFLITE, GRAPH) or content_digest(folder / name) != bundle.sha256[name]:
                raise BackboneError(f"The bundle's '{shown(folder / name)}' is damaged: its SHA-256 differs.", fix)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackboneError(f"The bundle '{shown(folder)}' cannot be read: {error}.", fix) from error
    return bundle
