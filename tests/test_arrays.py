import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrainer.arrays import distinct, is_among, members_of, spread


@given(st.integers(0, 10_000), st.integers(1, 300))
def test_spread_rows_are_different_ascending_and_reach_both_ends(count: int, most: int) -> None:
    rows = spread(count, most)
    assert len(rows) == min(count, most)
    assert (np.diff(rows) > 0).all()
    if count and most > 1:
        assert (rows[0], rows[-1]) == (0, count - 1)


@given(st.lists(st.integers(-3, 3)), st.lists(st.integers(-3, 3)))
def test_different_values_and_membership_are_those_of_sets(values: list[int], others: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
    found = is_among(np.array(values, np.int64), np.array(others, np.int64))
    assert found.tolist() == [value in others for value in values]


def test_each_row_is_a_member_of_its_class() -> None:
    members = [rows.tolist() for rows in members_of(np.array([2, 0, 2, 3, 0]), 5)]
    assert members == [[1, 4], [], [0, 2], [3], []]
