import numpy as np
from fabricated_evidence import evidence_of

from retrainer.findings.classes import class_findings
from retrainer.photos.clean_list.finding import Action, Kind


def test_two_classes_that_are_one_and_classes_that_are_too_small_are_found() -> None:
    true_ids = np.repeat([0, 1, 1, 2], [30, 25, 40, 12])
    label_ids = np.repeat([0, 1, 3, 2], [30, 25, 40, 12])
    same, small = class_findings(evidence_of(true_ids, label_ids))
    assert (same.kind, same.label, same.new_label) == (Kind.SAME_CLASS, "class 1", "class 3")
    assert (same.path, same.suggestion) == ("", Action.NONE)
    assert "class 1 and class 3 look like one class" in same.reason
    assert len(same.compared_with) == 3
    assert (small.kind, small.label, small.path) == (Kind.SMALL_CLASS, "class 2", "")
    assert "has only 12 different photos" in small.reason


def test_classes_that_differ_give_no_finding() -> None:
    ids = np.repeat(np.arange(3), 25)
    assert class_findings(evidence_of(ids, ids, noise=1.0)) == []


def test_a_class_of_one_photo_is_too_small_and_like_no_other() -> None:
    ids = np.array([0] * 25 + [1])
    (finding,) = class_findings(evidence_of(ids, ids))
    assert "has only one different photo" in finding.reason
