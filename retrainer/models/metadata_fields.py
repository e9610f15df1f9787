"""The fields of a model's metadata and their limits. FORMATS.md lists them for people."""

import binascii
from typing import Any

from retrainer.arrays import HASH_BYTES
from retrainer.network_input import LARGEST_SIDE
from retrainer.system.documents import (
    OTHERS,
    Field,
    digest,
    is_hex,
    mapping,
    number,
    one_of,
    optional,
    or_none,
    plain,
    section,
    text,
    texts,
    whole,
)

FORMAT = 2
# Files of the first format have no seal.
UNSEALED_FORMAT = 1


def _is_hashes(value: Any) -> bool:
    """Whether a value is hashes of photos, one after the other, in base64."""
    try:
        return isinstance(value, str) and len(binascii.a2b_base64(value, strict_mode=True)) % HASH_BYTES == 0
    except ValueError:
        return False


_HASHES = Field("hashes of photos in base64", _is_hashes)
TABLE = {
    "format": one_of(UNSEALED_FORMAT, FORMAT),
    "retrainer": text(100),
    "labels": texts(100_000, 1_000),
    "input_size": whole(1, LARGEST_SIDE),
    "mean": number(-1e6, 1e6),
    "std": number(1e-6, 1e6),
    "output_node": text(10_000),
    "resize": text(100),
    "backbone": section(),
    "rejection": section(),
    "split": section(),
    "training": section(),
    "model_id": digest(),
}
# The fields of each section. A section may be empty. Most of the training section is only for people to read.
SECTIONS = {
    "backbone": {
        "name": text(4_096, printable=False),
        "source": optional(text(10_000, printable=False, empty=True)),
        "licence": optional(text(10_000, printable=False, empty=True)),
        "sha256": optional(digest()),
    },
    # The threshold is a cosine distance, 0 to 2, with a rounding error.
    "rejection": {"threshold": number(-0.01, 2.01), "kept": number(0, 1)},
    "split": {
        "image_dir": text(10_000, printable=False),
        "split_by": one_of("content", "folders", "path"),
        "validation_percentage": whole(0, 100),
        "testing_percentage": whole(0, 100),
        "seed": whole(0, 2**63 - 1),
        "moved": optional(mapping(lambda name: is_hex(name, 16), whole(0, 2), 10**6)),
        "trained": optional(_HASHES),
        "validated": optional(or_none(_HASHES)),
        "tested": optional(or_none(_HASHES)),
        "label_from": optional(text(10_000, printable=False, empty=True)),
        "set_aside": optional(_HASHES),
        "relabelled": optional(mapping(lambda name: 0 < len(name) <= 1_000, _HASHES, 100_000)),
    },
    "training": {
        "seed": optional(whole(0, 2**63 - 1)),
        "split_by": optional(one_of("content", "folders", "path")),
        "solver": optional(text(100)),
        "photos": optional(whole(0, 2**53)),
        "temperature": optional(number(0, 1e9)),
        "test_accuracy": optional(or_none(number(0, 1))),
        "test_count": optional(whole(0, 2**53)),
        OTHERS: optional(plain(4)),
    },
}
