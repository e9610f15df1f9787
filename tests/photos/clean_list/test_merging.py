"""A second look keeps the decisions and notes of the first."""

from dataclasses import replace

from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row

A, B, C = (Finding(kind=Kind.LABEL, path=f"photos/{name}/1.jpg", sha256=name * 64) for name in "abc")
ASIDE, KEEP = Decision(action=Action.SET_ASIDE), Decision(action=Action.KEEP)


def test_decisions_and_notes_stay_and_undecided_rows_follow_the_findings() -> None:
    noted = Decision(note="look again")
    dark = replace(A, kind=Kind.DARK)
    old = CleanList((Row(A, ASIDE, ("me",)), Row(dark, ASIDE), Row(B), Row(C, noted)), "clean.csv", ("who",))
    better = replace(A, score=0.5, reason="Looks like b.")
    outlier = replace(A, kind=Kind.OUTLIER)
    new = old.merged([better, outlier])
    assert list(new) == [Row(better, ASIDE, ("me",)), Row(outlier, ASIDE), Row(dark, ASIDE), Row(C, noted)]
    assert (new.path, new.extra_columns) == ("clean.csv", ("who",))


def test_a_photo_that_moved_keeps_its_decision() -> None:
    old = CleanList((Row(A, replace(ASIDE, note="n")), Row(replace(A, kind=Kind.DARK), ASIDE)))
    moved = replace(A, path="photos/b/1.jpg")
    assert list(old.merged([moved])) == [
        Row(moved, replace(ASIDE, note="n")),
        Row(replace(moved, kind=Kind.DARK), ASIDE),
    ]


def test_a_copy_that_the_list_names_does_not_inherit_the_decision_of_one_that_is_gone() -> None:
    kept = replace(A, path="photos/b/1.jpg")
    old = CleanList((Row(replace(A, kind=Kind.COPY, compared_with=(kept.path,)), ASIDE),))
    new = old.merged([kept])
    assert new.decision_of(kept.sha256, kept.path) == Decision()
    assert new.decision_of(A.sha256, A.path) == ASIDE


def test_a_photo_whose_bytes_changed_is_another_one() -> None:
    new = CleanList((Row(A, ASIDE),)).merged([replace(A, sha256="f" * 64)])
    assert [row.decision for row in new] == [Decision(), ASIDE]


def test_rows_that_disagree_stay_as_they_are() -> None:
    dark = replace(A, kind=Kind.DARK)
    old = CleanList((Row(A, ASIDE), Row(dark, KEEP)))
    new = old.merged([A, dark])
    assert list(new) == list(old)
    assert new.conflicts == [(A.sha256, A.path)]
    assert new.decision_of(A.sha256, A.path) == Decision()
    assert new.decided(A.sha256, A.path, KEEP).conflicts == []


def test_findings_about_classes_have_decisions_of_their_own() -> None:
    small, other = (Finding(kind=Kind.SMALL_CLASS, label=label) for label in ("a", "b"))
    old = CleanList((Row(small, KEEP), Row(other)))
    assert old.progress() == (1, 2)
    assert list(old.merged([replace(small, reason="3 photos"), other])) == [
        Row(replace(small, reason="3 photos"), KEEP),
        Row(other),
    ]


def test_a_photo_is_found_by_its_path_or_its_bytes_alone() -> None:
    by_path, by_bytes = replace(A, sha256=""), replace(B, path="")
    known = CleanList((Row(by_path, ASIDE), Row(by_bytes, KEEP)))
    assert known.decision_of(A.sha256, A.path) == ASIDE
    assert known.decision_of(B.sha256, B.path) == KEEP
    assert CleanList((Row(A), Row(by_path, ASIDE))).decision_of(A.sha256, A.path) == ASIDE
