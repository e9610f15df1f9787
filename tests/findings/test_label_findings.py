import tracemalloc

import numpy as np
import pytest
from fabricated_evidence import dataset_of, evidence_from, evidence_of

from retrainer.arrays import Floats
from retrainer.findings import labels
from retrainer.findings.evidence import Evidence
from retrainer.findings.labels import SUSPECTED, label_findings, least_share, suspicion_of
from retrainer.photos.clean_list.finding import Action, Kind
from retrainer.training.examples import Examples


def test_planted_errors_are_found_with_their_classes_and_photos_that_show_why() -> None:
    true_ids = np.repeat(np.arange(4), 40)
    label_ids = true_ids.copy()
    wrong = [3, 50, 90, 91, 140]
    label_ids[wrong] = (true_ids[wrong] + 1) % 4
    evidence = evidence_of(true_ids, label_ids, noise=0.5)
    findings = label_findings(evidence)
    assert {finding.path for finding in findings} == {f"photo {row}.jpg" for row in wrong}
    for finding in findings:
        row = int(finding.path.split()[1].removesuffix(".jpg"))
        right = f"class {true_ids[row]}"
        assert (finding.kind, finding.suggestion, finding.new_label) == (Kind.LABEL, Action.RELABEL, right)
        assert finding.label == f"class {label_ids[row]}"
        assert SUSPECTED < finding.score <= 1
        assert finding.reason.startswith(f"Looks like {right} (0.")
        rows = [int(path.split()[1].removesuffix(".jpg")) for path in finding.compared_with]
        assert len(rows) == 3
        assert (label_ids[rows] == true_ids[row]).all()
    assert [finding.score for finding in findings] == sorted((f.score for f in findings), reverse=True)


def test_clean_photos_have_no_errors() -> None:
    ids = np.repeat(np.arange(5), 30)
    assert label_findings(evidence_of(ids, ids, noise=0.7)) == []


def test_less_sure_errors_are_set_aside_not_relabelled(monkeypatch: pytest.MonkeyPatch) -> None:
    true_ids = np.repeat(np.arange(2), 30)
    label_ids = true_ids.copy()
    label_ids[5] = 1
    monkeypatch.setattr(labels, "_RELABELLED", 1.0)
    (finding,) = label_findings(evidence_of(true_ids, label_ids))
    assert (finding.path, finding.suggestion, finding.new_label) == ("photo 5.jpg", Action.SET_ASIDE, "")


def test_votes_are_weighted_by_similarity_and_sum_to_one() -> None:
    ids = np.repeat([0, 1], 15)
    evidence = evidence_of(ids, ids)
    votes = evidence.votes
    np.testing.assert_allclose(votes.sum(axis=1), 1, rtol=1e-5)
    assert (votes.argmax(axis=1) == ids).all()
    assert (suspicion_of(evidence).shares < SUSPECTED).all()


def test_less_is_enough_if_wrong_labels_are_common() -> None:
    assert least_share(np.zeros(0, np.float32)) == pytest.approx(SUSPECTED)
    shares = np.linspace(0, 1, 1001).astype(np.float32)
    usual = np.where(shares > 0.95, shares, shares / 2)
    assert least_share(usual) == pytest.approx(SUSPECTED)
    common = np.concatenate([np.full(800, 0.1), np.full(200, 0.99)]).astype(np.float32)
    assert 0.7 < least_share(common) < 0.85
    assert least_share(np.ones(10, np.float32)) < 0.5 < SUSPECTED


def test_copies_never_vote_for_each_other() -> None:
    generator = np.random.default_rng(0)
    label_ids = np.array([0] * 20 + [1] * 20 + [0] * 5)
    features = 4 * np.eye(2, 8)[np.array([0] * 20 + [1] * 25)] + 0.3 * generator.normal(size=(45, 8))
    # Five copies of one photo of class 1 lie in the folder of class 0.
    features[41:] = features[40]
    contents = [*range(40), *[40] * 5]
    findings = label_findings(evidence_from(features, label_ids, 2, contents))
    assert {finding.path for finding in findings} == {f"photo {row}.jpg" for row in range(40, 45)}
    assert all(finding.new_label == "class 1" for finding in findings)


@pytest.mark.parametrize(
    "label_ids",
    [[0, 1], [0, 1, 1], [0, 0, 0, 1], [0] * 30 + [1], list(range(3)) * 2],
    ids=["two photos", "three photos", "one of four", "a class of one photo", "three classes of two"],
)
def test_few_photos_and_classes_of_one_photo_give_no_false_alarm(label_ids: list[int]) -> None:
    ids = np.array(label_ids)
    assert label_findings(evidence_of(ids, ids)) == []


def test_photos_that_are_all_the_same_give_no_findings() -> None:
    ids = np.repeat([0, 1], 15)
    same = evidence_from(np.ones((30, 8)), ids, 2)
    copies = evidence_from(np.ones((30, 8)), ids, 2, contents=[0] * 30)
    nothing = evidence_from(np.zeros((30, 8)), ids, 2)
    assert [label_findings(evidence) for evidence in (same, copies, nothing)] == [[], [], []]


def test_a_thousand_classes_need_little_memory() -> None:
    true_ids = np.repeat(np.arange(1000), 5)
    label_ids = true_ids.copy()
    label_ids[[7, 771]] = 500
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(1000, 64))
    features: Floats = (centres[true_ids] + 0.3 * generator.normal(size=(5000, 64))).astype(np.float32)
    dataset = dataset_of(label_ids, 1000)
    scores = np.exp(4 * features @ centres.T / 8)
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    evidence = Evidence(dataset, Examples(features, np.arange(5000), label_ids), np.zeros(5000, np.int8), scores)
    tracemalloc.start()
    findings = label_findings(evidence)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {"photo 7.jpg", "photo 771.jpg"} <= {finding.path for finding in findings}
    assert peak < 600e6
