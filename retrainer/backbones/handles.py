"""Handles of networks: the address that one stands for, the input size in it, and a bundle's name made from it."""

import hashlib
import re

from retrainer.backbones.converting.hints import Hints

_HUB_HOSTS = ("tfhub.dev/", "www.kaggle.com/models/", "kaggle.com/models/")
# Input sizes of image networks; other numbers in a name are widths and depths.
_SIZES = frozenset({96, 128, 160, 192, 224, 240, 256, 260, 280, 288, 299, 300, 320, 331, 384, 448, 480, 512})


def url_of(handle: str) -> str:
    """The address of a handle, with a scheme and without a tail; any other text unchanged."""
    if handle.startswith((*_HUB_HOSTS, "http://", "https://")):
        handle = handle.removesuffix("?tf-hub-format=compressed").rstrip("/")
    if handle.startswith(_HUB_HOSTS):
        return f"https://{handle}"
    # Kaggle's own spelling: owner/model/framework/variation, perhaps with a version.
    if re.fullmatch(r"[\w.-]+/[\w.-]+/tensorflow[12]/[\w.-]+(/\d+)?", handle, re.IGNORECASE):
        return f"https://www.kaggle.com/models/{handle}"
    return handle


def size_in(handle: str) -> int:
    """The input size in a name such as `mobilenet_v2_100_224/feature_vector/5`; 0 if there is none."""
    numbers = [int(number) for number in re.findall(r"(?:^|[_/-])(\d{2,3})(?=[/_.-]|$)", handle)]
    return next((number for number in reversed(numbers) if number in _SIZES), 0)


def bundle_name(handle: str, digest: str) -> str:
    """A folder's name that people recognise; its last eight characters are the digest's first."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^https?://[^/]+/(google/imagenet/)?", "", handle)).strip("-.")
    return f"{words[:60] or 'module'}-{digest[:8]}"


def hinted_name(name: str, hints: Hints) -> str:
    """The name, with a digest of the hints if any are given: they make another backbone of the same network."""
    if not hints.given:
        return name
    words = re.sub(r"[^A-Za-z0-9._]+", "-", hints.bottleneck_layer)[-30:]
    values = (hints.bottleneck_layer, hints.input_layer, hints.input_mean, hints.input_std)
    return f"{name}-{words}-{hashlib.sha256(repr(values).encode()).hexdigest()[:8]}".replace("--", "-")
