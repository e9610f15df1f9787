"""A decision is about one file with its bytes, and of several about the one at the same place."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.matching import Matched, matched
from retrainer.photos.files import PhotoFiles

ASIDE, KEEP = Decision(action=Action.SET_ASIDE), Decision(action=Action.KEEP)


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def row(path: str, content: str, decision: Decision = ASIDE, compared_with: Sequence[str] = ()) -> Row:
    finding = Finding(
        kind=Kind.COPY, path=path, sha256=sha256(content) if content else "", compared_with=tuple(compared_with)
    )
    return Row(finding, decision)


def found(files: Mapping[str, str], *rows: Row, root: str = "photos") -> tuple[dict[str, Decision], Matched, int]:
    """The decisions by the names of files, all that was found, and how many files were read."""
    names, read = list(files), set[int]()

    def hashes(numbers: Sequence[int]) -> list[str]:
        read.update(numbers)
        return [sha256(files[names[number]]) for number in numbers]

    ids, stamps = np.zeros(len(names), np.int64), np.zeros((len(names), 3), np.int64)
    scanned = PhotoFiles(root, ("a",), ("a",), names, ids, stamps)
    result = matched(CleanList(rows), scanned, hashes)
    return {names[number]: decision for number, decision in result.decisions.items()}, result, len(read)


def test_photos_at_their_places_are_found_without_reading_others() -> None:
    files = {"a/1.jpg": "1", "a/2.jpg": "2", "b/3.jpg": "3"}
    decisions, _, read = found(files, row("photos/a/1.jpg", "1"), row("photos/b/3.jpg", "3", KEEP))
    assert (decisions, read) == ({"a/1.jpg": ASIDE, "b/3.jpg": KEEP}, 2)


def test_the_folder_may_have_moved_or_be_typed_in_another_way() -> None:
    files = {"a/1.jpg": "1", "b/1.jpg": "1"}
    for path, root in (("photos/b/1.jpg", "/data/all"), ("/old/place/b/1.jpg", "photos")):
        assert found(files, row(path, "1"), root=root)[0] == {"b/1.jpg": ASIDE}
    assert found(files, row(str(Path("photos/b/1.jpg").absolute()), ""))[0] == {"b/1.jpg": ASIDE}
    assert found(files, row("b/1.jpg", ""))[0] == {"b/1.jpg": ASIDE}
    # Without its bytes, a photo of another folder is another photo.
    assert list(found(files, row("other/b/1.jpg", ""))[1].gone) == [("", "other/b/1.jpg")]


def test_k_decisions_take_k_of_the_copies() -> None:
    files = {f"{name}.jpg": "same" for name in "edcba"}
    assert found(files, row("photos/c.jpg", "same"))[0] == {"c.jpg": ASIDE}
    two = found(files, row("photos/c.jpg", "same"), row("", "same"))[0]
    assert two == {"c.jpg": ASIDE, "a.jpg": ASIDE}
    assert found(files, row("photos/old/b.jpg", "same"))[0] == {"b.jpg": ASIDE}
    gone = [row(f"photos/gone/{number}.jpg", "same") for number in range(7)]
    decisions, result, _ = found(files, *gone)
    assert (len(decisions), len(result.gone)) == (5, 2)


def test_a_copy_to_keep_stays_if_both_moved() -> None:
    files = {"new/1.jpg": "same", "new/2.jpg": "same"}
    rows = [row("photos/a.jpg", "same"), row("photos/b.jpg", "same", KEEP)]
    assert found(files, *rows)[0] == {"new/1.jpg": KEEP, "new/2.jpg": ASIDE}
    decisions, result, _ = found({"new/1.jpg": "same"}, *rows)
    assert decisions == {"new/1.jpg": KEEP}
    assert list(result.gone) == [(sha256("same"), "photos/a.jpg")]


def test_the_last_copy_stays_when_the_one_that_was_set_aside_is_gone() -> None:
    rows = [row("photos/b/1.jpg", "same", compared_with=["photos/a/1.jpg"])]
    assert found({"a/1.jpg": "same"}, *rows)[0] == {}
    assert found({"a/1.jpg": "same"}, *rows, root="/elsewhere")[0] == {}
    assert found({"c/1.jpg": "same"}, *rows)[0] == {"c/1.jpg": ASIDE}


def test_a_photo_with_other_bytes_is_another_photo() -> None:
    decisions, result, _ = found({"a/1.jpg": "other", "b/1.jpg": "moved"}, row("photos/a/1.jpg", "1"))
    assert (decisions, result.changed) == ({}, [(sha256("1"), "photos/a/1.jpg")])
    # It moved, and another photo took its place.
    assert found({"a/1.jpg": "other", "b/1.jpg": "1"}, row("photos/a/1.jpg", "1"))[0] == {"b/1.jpg": ASIDE}


def test_decisions_to_keep_read_nothing_more() -> None:
    assert found({"a/1.jpg": "1", "a/2.jpg": "2"}, row("photos/gone.jpg", "3", KEEP))[2] == 0


def test_one_file_by_two_paths_is_one_photo() -> None:
    files, other = {"a/1.jpg": "1", "b/2.jpg": "1"}, str(Path("photos/a/1.jpg").absolute())
    assert found(files, row("photos/a/1.jpg", "1"), row(other, "1"))[0] == {"a/1.jpg": ASIDE}
    decisions, result, _ = found(files, row("photos/a/1.jpg", "1"), row(other, "1", KEEP))
    assert decisions == {}
    assert [photo[1] for photo in result.disputed] == ["photos/a/1.jpg", other]
