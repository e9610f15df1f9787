"""A bundle: a backbone as three files in a folder of its name, made once.

`backbone.json` describes it (`Bundle`), `backbone.tflite` extracts features, and `backbone.pb` becomes a part of
retrained graphs. A bundle that was made from a `.tflite` has no `backbone.pb`. The input is float32 `(N, S, S, 3)` in
[-1, 1]; the output is the pooled features, float32 `(N, D)`.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from retrainer.errors import BackboneError
from retrainer.network_input import INPUT_MEAN, INPUT_STD, LARGEST_SIDE
from retrainer.system.documents import (
    Field,
    brief,
    flag,
    is_digest,
    number,
    one_of,
    optional,
    read_document,
    require,
    text,
    whole,
)
from retrainer.system.files import content_digest, open_regular, write_together
from retrainer.system.parallel import meanwhile
from retrainer.text import shown

FORMAT = 1
DESCRIPTION, TFLITE, GRAPH = "backbone.json", "backbone.tflite", "backbone.pb"
# The converters give the node of the features this name; `Bundle.feature_node` is the name in a given bundle.
FEATURE_NODE = "feature_vector"
_MOST_DESCRIPTION = 2**16
COPY_AGAIN = "Copy the bundle again; the built-in one comes with retrainer itself."


def _is_of_files(value: Any) -> bool:
    named = isinstance(value, dict) and {TFLITE} <= set(value) <= {TFLITE, GRAPH}
    return named and all(map(is_digest, value.values()))


# Networks have a few stages, each with a map at its end.
_MOST_MAPS = 64
_MAP_TABLE = {"tensor": text(10_000), "depth": whole(1, 2**20), "factor": number(1e-9, 1e9)}


def _are_maps(value: Any) -> bool:
    with suppress(ValueError):
        for one in value:
            require(one, _MAP_TABLE)
        return True
    return False


_TABLE = {
    "format": one_of(FORMAT),
    "name": text(255, printable=False),
    "source": text(10_000, printable=False, empty=True),
    "licence": text(10_000, printable=False, empty=True),
    "input_size": whole(1, LARGEST_SIDE),
    "depth": whole(1, 2**20),
    "feature_node": text(10_000, empty=True),
    "map_tensor": optional(text(10_000, empty=True)),
    "maps": optional(
        Field(
            f"at most {_MOST_MAPS} maps, each with a tensor, a depth and a factor",
            lambda value: (
                isinstance(value, list)
                and len(value) <= _MOST_MAPS
                and all(isinstance(one, dict) for one in value)
                and _are_maps(value)
            ),
        )
    ),
    "input_mean": optional(number(-1e9, 1e9)),
    "input_std": optional(number(1e-9, 1e9)),
    "batches": optional(flag()),
    "difference": optional(number(0, 1e9)),
    "quantized": optional(flag()),
    "source_sha256": optional(Field("a SHA-256 in hexadecimal, or ''", lambda value: value == "" or is_digest(value))),
    # A file of any other name could lie anywhere on the disk.
    "sha256": Field(f"the SHA-256 of {TFLITE}, and of {GRAPH} if it is there", _is_of_files),
}


@dataclass(frozen=True)
class FeatureMap:
    """A map inside a network whose mean is a part of the feature vector.

    Attributes:
        tensor: Its tensor, `(N, H, W, depth)`, in both files.
        depth: How many features it gives.
        factor: The network multiplies the mean by it.
    """

    tensor: str
    depth: int
    factor: float = 1.0


@dataclass(frozen=True)
class Bundle:
    """The description in `backbone.json`, and the folder that it lies in.

    Attributes:
        name: Its name for `--architecture`.
        source: Where the network came from: an address, a path, or a network of `keras.applications`.
        licence: The licence of its weights.
        input_size: S, pixels.
        depth: D, the length of a feature vector.
        feature_node: The node of `backbone.pb` whose output is `(N, D)`.
        map_tensor: The tensor before the pooling in both files, the deepest of several; empty if there is none.
        maps: The maps whose means are the features, one behind the other; empty if they are not known.
        input_mean, input_std: The network itself takes `(pixel - mean) / std`; the bundle's files take [-1, 1].
        batches: Whether `backbone.pb` takes several pictures at once.
        difference: The largest difference from the network's own features, relative to the largest feature.
        quantized: Whether `backbone.tflite` computes with int8.
        source_sha256: `content_digest` of what the source gave; empty if it is not known.
        sha256: File name -> SHA-256 in hexadecimal.
        folder: The folder of the three files; not part of the description.
    """

    name: str
    source: str
    licence: str
    input_size: int
    depth: int
    feature_node: str
    map_tensor: str = ""
    maps: tuple[FeatureMap, ...] = ()
    input_mean: float = INPUT_MEAN
    input_std: float = INPUT_STD
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
        """The network as a GraphDef; the file exists only if `has_graph`."""
        return self.folder / GRAPH

    @property
    def has_graph(self) -> bool:
        """Whether there is a `backbone.pb`."""
        return GRAPH in self.sha256


def write_bundle(parent: Path, bundle: Bundle, tflite: bytes, graph: bytes | None) -> Bundle:
    """Writes the files to `parent/<name>`, the description last, so that a bundle with a description is whole."""
    folder = parent / bundle.name
    contents = {TFLITE: tflite} | ({} if graph is None else {GRAPH: graph})
    written = replace(
        bundle, sha256={name: hashlib.sha256(c).hexdigest() for name, c in contents.items()}, folder=folder
    )
    description: dict[str, Any] = {"format": FORMAT, **asdict(written)}
    del description["folder"]
    if not bundle.maps:
        del description["maps"]
    # `write_together` lets the first file appear last.
    contents = {DESCRIPTION: (json.dumps(description, indent=1) + "\n").encode("utf-8"), **contents}
    write_together({folder / name: content for name, content in contents.items()})
    return written


def copy_bundle(bundle: Bundle, parent: Path) -> Bundle:
    """Copies a bundle into another folder of bundles, unless the same bundle is there."""
    folder = parent / bundle.name
    with suppress(BackboneError):
        if read_bundle(folder).sha256 == bundle.sha256:
            return replace(bundle, folder=folder)
    graph = bundle.graph_path.read_bytes() if bundle.has_graph else None
    return write_bundle(parent, bundle, bundle.tflite_path.read_bytes(), graph)


def read_bundle(folder: Path) -> Bundle:
    """Opens the bundle in a folder and checks its description and its files' hashes.

    Raises:
        BackboneError: the bundle has another format, is incomplete or damaged.
    """
    try:
        with open_regular(folder / DESCRIPTION) as handle:
            description = read_document(handle.read(_MOST_DESCRIPTION + 1), _MOST_DESCRIPTION)
        require(description, _TABLE)
        if description["name"] != folder.name:
            raise ValueError(f"its 'name' is not as expected: its folder's, received {brief(description['name'])}")
        digests = {name: meanwhile(content_digest, folder / name) for name in description["sha256"]}
        for name, sha256 in description["sha256"].items():
            if digests[name]() != sha256:
                raise BackboneError(
                    f"The bundle's '{shown(folder / name)}' is damaged: its SHA-256 differs.", COPY_AGAIN
                )
    except (OSError, ValueError) as error:
        raise BackboneError(f"The bundle '{shown(folder)}' cannot be read: {shown(str(error))}.", COPY_AGAIN) from error
    maps = tuple(FeatureMap(**one) for one in description.pop("maps", ()))
    return Bundle(**{key: value for key, value in description.items() if key != "format"}, maps=maps, folder=folder)
