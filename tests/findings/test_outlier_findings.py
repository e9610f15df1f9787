import numpy as np
from fabricated_evidence import evidence_from

from retrainer.findings.labels import label_findings
from retrainer.findings.outliers import outlier_findings
from retrainer.photos.clean_list.finding import Action, Kind


def with_strange_photos(strange: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos of three classes, and others, alike, that lie in all of their folders."""
    generator = np.random.default_rng(0)
    ids = np.repeat(np.arange(3), 60)
    features = np.abs(3 * np.eye(3, 64)[ids] + 0.3 * generator.normal(size=(180, 64)))
    others = np.abs(3 * np.eye(64)[np.full(strange, 40)] + 0.3 * generator.normal(size=(strange, 64)))
    return np.concatenate([features, others]), np.concatenate([ids, np.arange(strange) % 3])


def test_photos_like_no_class_are_found_though_they_are_like_each_other() -> None:
    features, label_ids = with_strange_photos(9)
    evidence = evidence_from(features, label_ids, 3)
    findings = outlier_findings(evidence)
    found = [finding.path for finding in findings]
    assert set(found[:9]) == {f"photo {row}.jpg" for row in range(180, 189)}
    assert len(found) <= 9 + 180 // 20
    first = findings[0]
    assert (first.kind, first.suggestion, first.new_label) == (Kind.OUTLIER, Action.SET_ASIDE, "")
    assert first.reason.startswith("Even the nearest class, class ")
    assert len(first.compared_with) == 3
    assert all(0 <= finding.score <= 1 for finding in findings)
    # Their labels are not doubted as well: two suggestions would contradict each other.
    assert not {finding.path for finding in label_findings(evidence)} & set(found)


def test_few_photos_small_classes_and_equal_photos_have_no_outliers() -> None:
    ids = np.repeat([0, 1], 15)
    generator = np.random.default_rng(0)
    few = evidence_from(generator.normal(size=(10, 4)), np.repeat([0, 1], 5), 2)
    same = evidence_from(np.ones((30, 4)), ids, 2)
    copies = evidence_from(np.ones((30, 4)), ids, 2, contents=[0] * 30)
    assert [outlier_findings(evidence) for evidence in (few, same, copies)] == [[], [], []]
    features, label_ids = with_strange_photos(1)
    label_ids[-1] = 3
    # The only photo of its class is unlike the others, of course.
    found = {finding.path for finding in outlier_findings(evidence_from(features, label_ids, 4))}
    assert "photo 180.jpg" not in found
