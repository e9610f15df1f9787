"""Names that decide which files and folders certainly hold no photos. All others are read to find out."""

import re

# Files that systems, cameras and version control leave beside photos: texts, tables, annotations, links; and files that
# retrainer and other trainers write.
_NO_PHOTO = re.compile(
    r".*\.(aae|csv|db|htm|html|ini|ipynb|json|jsonl|lnk|log|md|nfo|py|sh|toml|tsv|txt|url|xml|xmp|yaml|yml)"
    r"|.*\.(ckpt|h5|keras|npy|npz|onnx|parquet|pb|pt|pth|tflite|tfrecord)|events\.out\.tfevents\..*|\.unfinished-.*"
    r"|.*zone\.identifier|\._.*|icon\r|license|readme"
    r"|\.(directory|ds_store|gitattributes|gitignore|gitkeep|gitmodules|keep|nomedia)",
    re.IGNORECASE | re.DOTALL,
)
_NO_FOLDER = re.compile(
    r"\.cache|\.dvc|\.git|\.ipynb_checkpoints|\.svn|\.thumbnails|\.trashes|__macosx|@eadir|#recycle|\$recycle\.bin"
    r"|lost\+found|system volume information",
    re.IGNORECASE,
)

NOT_PHOTOS = "their names are not those of photos"

USUAL = (".jpg", ".jpeg", ".png", ".JPG")
"""Nearly all names end like this and need no further look, which saves a third of a walk's time."""


def is_no_photo(name: str) -> bool:
    """Whether a file is certainly no photo by its name, such as `Thumbs.db`, `a.xml` or `a.jpg:Zone.Identifier`."""
    return _NO_PHOTO.fullmatch(name) is not None


def skips_folder(name: str) -> bool:
    """Whether a folder certainly holds no photos of the user by its name, such as `__MACOSX` or `.git`."""
    return _NO_FOLDER.fullmatch(name) is not None
