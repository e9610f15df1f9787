"""Files that are networks: how they are named, and which one a folder holds."""

from pathlib import Path

SAVED_MODEL = "saved_model.pb"
# Networks of one file each: a frozen graph, LiteRT's and Keras's.
GRAPH_ENDING, TFLITE_ENDING, KERAS_ENDING = ".pb", ".tflite", ".keras"
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz")
# Files beside a SavedModel that are no networks.
_OF_SAVED_MODELS = frozenset({SAVED_MODEL, "fingerprint.pb", "keras_metadata.pb", "tfhub_module.pb"})


def network_in(folder: Path) -> Path | None:
    """Returns the network in a folder: the folder itself if it is a whole SavedModel, or its only network file.

    If a network is there in several formats, the frozen graph comes first. Archives often hold a single folder, so the
    network may lie one folder deeper.
    """
    for candidate in (folder, *sorted(path for path in folder.glob("*") if path.is_dir())):
        if is_saved_model(candidate):
            return candidate
        files = [path for path in candidate.glob("*") if path.name not in _OF_SAVED_MODELS and path.is_file()]
        for ending in (GRAPH_ENDING, KERAS_ENDING, TFLITE_ENDING):
            networks = [path for path in files if path.suffix == ending]
            if len(networks) == 1:
                return networks[0]
    return None


def is_saved_model(folder: Path) -> bool:
    """Whether a folder holds all files of a SavedModel; cleaners of temporary folders leave half of them."""
    variables = folder / "variables"
    if not (folder / SAVED_MODEL).is_file():
        return False
    if not variables.is_dir():  # a module without weights
        return True
    shards = [path.name.rsplit("-", 1)[1] for path in variables.glob("variables.data-*-of-*")]
    return (variables / "variables.index").is_file() and {f"{len(shards):05d}"} == set(shards)
