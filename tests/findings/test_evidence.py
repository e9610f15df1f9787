import numpy as np
from conftest import Configure, Photos
from fabricated_evidence import evidence_from, evidence_of

from retrainer.events import silent
from retrainer.findings import evidence
from retrainer.photos.clean_list.finding import Action, Kind
from retrainer.preparation import decided, prepare, split_of
from retrainer.reporting import Reporter, Stopwatch


def test_evidence_of_a_run_scores_photos_that_heads_did_not_see(photos: Photos, configured: Configure) -> None:
    folder = photos()
    (folder / "red" / "misplaced.jpg").write_bytes((folder / "green" / "005.jpg").read_bytes() + b"changed")
    with Reporter(silent) as report:
        options = configured(folder)
        prepared = prepare(options, report, Stopwatch(report))
        found = evidence.evidence_of(prepared, options, report)
    split = split_of(found.dataset, decided(options, found.dataset).split, silent)
    assert found.parts.tolist() == split.parts.tolist()
    np.testing.assert_allclose(found.scores.sum(axis=1), 1, rtol=1e-5)
    row = found.dataset.paths.index(str(folder / "red" / "misplaced.jpg"))
    # Its copy in green lies in the same fold, so all heads take it for green.
    assert found.scores[row, found.dataset.labels.index("green")] > 0.5
    finding = found.finding(row, Kind.LABEL, 0.9, "Because.", suggestion=Action.RELABEL, new_label="green")
    assert (finding.path, finding.label, finding.new_label) == (found.dataset.paths[row], "red", "green")
    assert finding.sha256 == found.dataset.digests[row].tobytes().hex()
    assert finding.part in ("training", "validation", "testing")


def test_few_photos_have_fewer_folds_and_copies_alone_have_equal_scores() -> None:
    assert evidence_of(np.array([0, 1, 0]), np.array([0, 1, 0])).scores.shape == (3, 2)
    copies = evidence_from(np.ones((3, 4)), np.array([0, 1, 1]), 2, contents=[7, 7, 7])
    assert copies.scores.tolist() == [[0.5, 0.5]] * 3
