"""Which of several copies are set aside, and which is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Configure
from looked import Looked, written
from pictures import CHANGES, exported, photo
from PIL import Image, ImageOps

from retrainer.findings.copies import copy_findings
from retrainer.photos.clean_list.finding import Action, Finding
from retrainer.photos.parts import Part


def large(seed: int) -> Image.Image:
    return photo(seed).resize((480, 320))


@pytest.fixture
def looked(tmp_path: Path, configured: Configure) -> Looked:
    root = tmp_path / "photos"
    for seed in range(16):
        written(root / ("one", "other")[seed % 2] / f"{seed}.jpg", exported(large(seed)))
    written(root / "one" / "again.jpg", (root / "one" / "0.jpg").read_bytes())
    written(root / "one" / "half.jpg", CHANGES["half the size"](large(2)))
    written(root / "one" / "cropped.jpg", CHANGES["cropped by 10 %"](large(2)))
    written(root / "other" / "mirrored.jpg", exported(ImageOps.mirror(large(4)), 60))
    written(root / "other" / "a\nsaved.jpg", CHANGES["saved again"](large(5)))
    return Looked(configured(root))


def found_in(looked: Looked) -> dict[str, Finding]:
    return {Path(one.path).name: one for one in copy_findings(looked.evidence, looked.measured)}


def test_the_largest_copy_is_kept_and_the_others_of_its_class_are_set_aside(looked: Looked) -> None:
    found = found_in(looked)
    assert set(found) == {"again.jpg", "half.jpg", "cropped.jpg", "mirrored.jpg", "a\nsaved.jpg"}
    assert [Path(path).name for path in found["half.jpg"].compared_with] == ["2.jpg", "cropped.jpg"]
    assert {name for name, one in found.items() if one.suggestion is Action.SET_ASIDE} >= set(found) - {"mirrored.jpg"}
    assert found["again.jpg"].score == 1
    assert found["again.jpg"].reason.startswith("The same file as '")
    assert "which has 480×320 pixels; this one has 240×160." in found["half.jpg"].reason
    saved = found["a\nsaved.jpg"].reason  # as many pixels
    first, second = (looked.measured.looks.sizes[looked.row(name)] for name in ("other/5.jpg", "saved.jpg"))
    assert first != second
    assert f", which has {first:,} bytes; this one has {second:,}." in saved
    scores = [one.score for one in copy_findings(looked.evidence, looked.measured)]
    assert scores == sorted(scores, reverse=True)
    assert all("\n" not in one.reason for one in found.values())
    looked.measured.looks.sizes[looked.row("saved.jpg")] = looked.measured.looks.sizes[looked.row("other/5.jpg")] = 9
    again = found_in(looked)
    assert "which has" not in (again.get("a\nsaved.jpg") or again["5.jpg"]).reason


@pytest.mark.parametrize(
    ("one", "expected"), [(0.9, {"mirrored.jpg": Action.SET_ASIDE}), (0.6, {"mirrored.jpg": Action.NONE}), (0.1, None)]
)
def test_of_two_classes_the_scores_tell_the_wrong_one_or_nobody(
    looked: Looked, one: float, expected: dict[str, Action] | None
) -> None:
    evidence = looked.evidence
    scores = evidence.scores.copy()
    scores[[looked.row("one/4.jpg"), looked.row("mirrored.jpg")]] = one, 1 - one
    looked.evidence = replace(evidence, scores=scores)
    found = {name: finding for name, finding in found_in(looked).items() if name in ("4.jpg", "mirrored.jpg")}
    assert {name: finding.suggestion for name, finding in found.items()} == (expected or {"4.jpg": Action.SET_ASIDE})
    assert all("the scores are" in finding.reason for finding in found.values())


def test_copies_in_two_parts_are_only_listed(looked: Looked) -> None:
    parts = looked.evidence.parts.copy()
    parts[[looked.row("half.jpg"), looked.row("cropped.jpg")]] = Part.TESTING
    looked.evidence = replace(looked.evidence, parts=parts)
    found = found_in(looked)
    assert found["cropped.jpg"].suggestion is Action.NONE
    assert "It is for testing, the other for training" in found["cropped.jpg"].reason
    assert Path(found["half.jpg"].compared_with[0]).name == "cropped.jpg"
    assert found["half.jpg"].suggestion is Action.SET_ASIDE


def test_a_link_to_a_photo_is_not_set_aside(tmp_path: Path, configured: Configure) -> None:
    root = tmp_path / "photos"
    for seed in range(8):
        written(root / ("one", "other")[seed % 2] / f"{seed}.jpg", exported(large(seed)))
    (root / "other" / "again").symlink_to(root / "one")
    looked = Looked(configured(root))
    found = copy_findings(looked.evidence, looked.measured)
    assert len(found) == 4
    assert {one.suggestion for one in found} == {Action.NONE}
    assert all(", by a link." in one.reason for one in found)


def test_many_copies_stand_beside_few(looked: Looked) -> None:
    copies = looked.measured.copies
    together = replace(copies, groups=np.zeros_like(copies.groups))
    found = copy_findings(looked.evidence, replace(looked.measured, copies=together))
    assert len(found) == len(copies.groups) - 1
    assert {len(one.compared_with) for one in found} == {8}
    assert all(one.path not in one.compared_with for one in found)


def test_without_copies_nothing_is_found(looked: Looked) -> None:
    copies = looked.measured.copies
    none = replace(
        copies, groups=np.arange(len(copies.groups)), pairs=copies.pairs[:0], likenesses=copies.likenesses[:0]
    )
    assert copy_findings(looked.evidence, replace(looked.measured, copies=none)) == []
