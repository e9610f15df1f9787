"""Which paths an option takes, checked before any work is done."""

import os
from collections.abc import Iterable

from retrainer.errors import OptionError
from retrainer.system.paths import is_address
from retrainer.text import shown

# Where commands cache feature vectors, in the working folder.
BOTTLENECKS = "tf_files/bottlenecks"
MODEL, LABELS, TABLE, LINES, FOLDER, ANSWERS = "model", "labels", "table", "lines", "folder", "answers"
PAGE = "page"
# The limits of Linux and macOS: the bytes of a name, and those of a path with the zero at its end.
_MOST_BYTES_OF_NAME, _MOST_BYTES = 255, 4096
# Endings of names of files that are no models.
_FOREIGN = {
    **dict.fromkeys((".h5", ".hdf5", ".keras"), "a Keras model"),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors"), "a model of another framework"),
    **dict.fromkeys((".mlmodel", ".mlpackage"), "a Core ML model"),
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".whl"), "an archive"),
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"), "a picture"),
    **dict.fromkeys((".npy", ".npz", ".pkl", ".pickle", ".parquet"), "an array or a table"),
    **dict.fromkeys((".json", ".yaml", ".yml", ".xml", ".html", ".pbtxt", ".md", ".pdf"), "a document"),
    **dict.fromkeys((".py", ".sh", ".ipynb"), "a program"),
    ".onnx": "an ONNX model",
}
# A kind of file -> the usual ending of its name, and its description.
_USUAL = {
    MODEL: (".pb", "a .pb or .tflite"),
    LABELS: (".txt", "a text, one label per line"),
    TABLE: (".csv", "a table in CSV"),
    LINES: (".jsonl", "a file of JSON lines"),
    ANSWERS: (".csv", "a table"),
    PAGE: (".html", "a page in HTML"),
}
_TEXTS = {".txt": "a text", ".csv": "a table", ".tsv": "a table"}
_MODELS = dict.fromkeys((".pb", ".tflite"), "a model")
# A kind of file -> the endings that are those of others, if these are not `_FOREIGN`.
_FOREIGN_TO = {
    MODEL: {**_FOREIGN, **_TEXTS},
    TABLE: {**_FOREIGN, **_MODELS},
    ANSWERS: {
        **{ending: kind for ending, kind in _FOREIGN.items() if ending not in (".parquet", ".json")},
        **_MODELS,
    },
    PAGE: {**{ending: kind for ending, kind in _FOREIGN.items() if ending != ".html"}, **_TEXTS, **_MODELS},
    FOLDER: {},
}


def in_place(path: str) -> str:
    """A path for a shell, in which a folder named `~` is not the home, and one named `-x` is no flag."""
    return os.path.join(os.curdir, path) if path.startswith(("~", "-")) else path


def require_path(name: str, path: str, writes: str) -> None:
    """Raises OptionError if an option cannot take a path.

    Args:
        name: The option's name, for the message.
        path: The path, with `~` expanded.
        writes: The kind of file that is written there: `MODEL`, `LABELS`, `TABLE`, `LINES`, `FOLDER`, `ANSWERS`
            or `PAGE`; empty if it is read.
    """
    problem, fix = _problem_of(path, writes)
    if problem:
        raise OptionError(f"{name}: {problem}.", fix, path=path)


def require_apart(name: str, path: str, others: Iterable[str]) -> None:
    """Raises OptionError if a file that is to be written is read, too, perhaps by another name.

    Args:
        name: The name of the option that names the file, for the message.
        path: The file.
        others: The files that are read.
    """
    if any(_is_same(path, other) for other in others):
        raise OptionError(
            f"{name}: expected a file of its own, received a file that is read, '{shown(path)}'.",
            "Name another file.",
            path=path,
        )


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.realpath(path) == os.path.realpath(other) or os.path.samefile(path, other)
    except (OSError, ValueError):  # one of them does not exist, or is no path
        return False


def _problem_of(path: str, writes: str) -> tuple[str, str]:
    """The problem of a path and its fix; two empty texts if there is none."""
    if not writes and is_address(path):
        return "", ""
    if not path.strip():
        return f"expected a path, received {path!r}", ""
    if "\0" in path:
        return f"expected a path, received one with a zero byte, '{shown(path)}'", ""
    size = max(len(os.fsencode(name)) for name in path.replace("/", os.sep).split(os.sep))
    if size > _MOST_BYTES_OF_NAME or len(os.fsencode(path)) >= _MOST_BYTES:
        return f"expected names of at most {_MOST_BYTES_OF_NAME} bytes, received one of {size}", ""
    if not writes:
        return "", ""
    return _problem_of_output(path, writes)


def _problem_of_output(path: str, writes: str) -> tuple[str, str]:
    wanted = "a folder" if writes == FOLDER else "a file's name"
    if writes == FOLDER:
        if (real := os.path.realpath(path)) == os.path.dirname(real):
            return f"expected a folder of its own, received '{shown(path)}'", "Name a folder below it."
        wrong = os.path.exists(path) and not os.path.isdir(path)
    else:
        named = os.path.basename(path) not in ("", os.curdir, os.pardir)
        wrong = not named or (os.path.exists(path) and not os.path.isfile(path))
    if wrong:
        return f"expected {wanted}, received {_kind_of(path)} '{shown(path)}'", ""
    return _problem_of_ending(path, writes)


def _kind_of(path: str) -> str:
    if os.path.isfile(path):
        return "the file"
    return "the device or pipe" if os.path.exists(path) and not os.path.isdir(path) else "the folder"


def _problem_of_ending(path: str, writes: str) -> tuple[str, str]:
    """The problem and the fix if a name ends as that of another kind of file; other endings, or none, are fine."""
    foreign = _FOREIGN_TO.get(writes, _FOREIGN)
    stem, ending = os.path.splitext(path)
    if ending.lower() not in foreign:
        return "", ""
    usual, wanted = _USUAL[writes]
    received = f"received '{shown(path)}', the name of {foreign[ending.lower()]}"
    return f"expected {wanted}, {received}", f"Name it '{shown(stem)}{usual}'."
