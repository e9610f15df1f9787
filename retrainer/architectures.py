"""The networks that `--architecture` knows by name, as rows."""

from dataclasses import dataclass

_HUB = "https://tfhub.dev/google/imagenet"


@dataclass(frozen=True)
class Architecture:
    """One network of the tutorial.

    Attributes:
        name: What the tutorial called it.
        handle: Where TF-Hub has it.
        input_size: S, pixels.
        depth: D, the length of a feature vector.
    """

    name: str
    handle: str
    input_size: int
    depth: int


def _mobilenet(width: str, size: int, depth: int) -> Architecture:
    handle = f"{_HUB}/mobilenet_v1_{width.replace('.', '')}_{size}/feature_vector/5"
    if width == "1.0":
        handle = f"{_HUB}/mobilenet_v1_100_{size}/feature_vector/5"
    return Architecture(f"mobilenet_{width}_{size}", handle, size, depth)


# Depths and handles as the documentation of tfhub.dev lists them.
ARCHITECTURES = {
    row.name: row
    for row in (
        *(
            _mobilenet(width, size, depth)
            for width, depth in (("1.0", 1024), ("0.75", 768), ("0.50", 512), ("0.25", 256))
            for size in (224, 192, 160, 128)
        ),
        Architecture("inception_v3", f"{_HUB}/inception_v3/feature_vector/5", 299, 2048),
    )
}
