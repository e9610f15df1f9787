"""Guesses which part of file names is the class, to suggest `--label_from`."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from retrainer.photos.name_labels import FLAG
from retrainer.text import pasted, shown

# As in cat.1.jpg, cat_1.jpg, cat-1.jpg, cat (1).jpg, cat 1.jpg, cat1.jpg, 1_cat.jpg; the last one is cat_1f9e.jpg.
_FORMS = (
    *(f"([^/]+?){end}" for end in (r"\.\d+\.", r"_\d+\.", r"-\d+\.", r" ?\(\d+\)\.", r" \d+\.", r"\d+\.")),
    r"\d+[._ -]([^/]+?)\.\w+$",
    r"([^/\d._ -]+)[._ -]",
)
# A pattern must match this share of the names, and give this many photos for each class on average.
_FITS, _PHOTOS_PER_CLASS = 0.8, 2
_NAMED = 3
# Cameras and programs begin names so, and the last form also finds the letters before the digits of a hash.
_NO_CLASSES = frozenset(
    (
        *("bild", "capture", "dcim", "download", "dsc", "dscf", "dscn", "frame", "image", "img", "mvimg", "photo"),
        *("pic", "picture", "pxl", "scan", "screenshot", "unnamed", "untitled", "vid", "whatsapp"),
    )
)
_FEWEST_LETTERS = 3


def label_hint(names: Sequence[str]) -> str:
    """A sentence that suggests a pattern and says which classes it gives; empty if names do not tell the class.

    Args:
        names: Paths of photos below the folder, separated by `/`.
    """
    for pattern in _patterns(names):
        found = re.compile(pattern)
        classes = Counter(match[1] for name in names if (match := found.search(name)))
        if _are_classes(classes, len(names), _FEWEST_LETTERS if pattern.endswith(_FORMS[-1]) else 1):
            named = ", ".join(f"'{shown(name)}' ({count:,})" for name, count in classes.most_common(_NAMED))
            more = f" and {len(classes) - _NAMED:,} more" if len(classes) > _NAMED else ""
            return f"If the names tell the class, give {FLAG} {pasted(pattern)} for the classes {named}{more}."
    return ""


def _patterns(names: Sequence[str]) -> Iterator[str]:
    """The patterns to try, the most specific first; a word that begins the names, as in IMG_cat_1.jpg, is left out."""
    word = _common_word([name.rpartition("/")[2] for name in names])
    for before in (re.escape(word), "") if word else ("",):
        yield from (before + one for one in _FORMS)


def _common_word(names: Sequence[str]) -> str:
    """The word, with the sign behind it, that begins most names; empty if there is none."""
    words = Counter(match[0] for name in names if (match := re.match(r"[^\W\d_]+[._ -]", name)))
    ((word, count),) = words.most_common(1) or (("", 0),)
    return word if count >= _FITS * len(names) else ""


def _are_classes(classes: Counter[str], names: int, fewest_letters: int) -> bool:
    """Whether what a pattern gives for some names looks like classes: several, with letters, several photos each."""
    letters = {re.sub(r"[\W\d_]+", "", name).casefold() for name in classes}
    if min(map(len, letters), default=0) < fewest_letters:
        return False
    return (
        len(letters) > 1
        and 2 * len(letters) > len(classes)
        and classes.total() >= max(_FITS * names, _PHOTOS_PER_CLASS * len(classes))
        and not any(re.split(r"[\W\d_]", name.casefold(), maxsplit=1)[0] in _NO_CLASSES for name in classes)
    )
