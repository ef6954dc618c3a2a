import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from endcap_reranker import by_best, by_rank

NAN = np.nan
scores_or_nan = arrays(
    np.float32,
    st.integers(0, 30),
    elements=st.one_of(st.just(np.nan), st.floats(-1, 50, width=32)),
)


def floats(*values):
    return np.array(values, np.float32)


def test_by_best_is_the_formula():
    expected = [(8 - 0) / (8 - 0), (2 - 0) / (8 - 0), 0.0]
    np.testing.assert_allclose(by_best(floats(8, 2, 0), 0.0), expected)


def test_by_best_of_cosines_counts_from_minus_one():
    expected = [(0.6 + 1) / (0.6 + 1), (0.2 + 1) / (0.6 + 1), (-0.4 + 1) / (0.6 + 1)]
    np.testing.assert_allclose(by_best(floats(0.6, 0.2, -0.4), -1.0), expected, rtol=1e-6)


def test_by_best_of_cosines_that_are_all_negative():
    expected = [(-0.5 + 1) / (-0.25 + 1), 1]
    np.testing.assert_allclose(by_best(floats(-0.5, -0.25), -1.0), expected, rtol=1e-6)


def test_by_best_keeps_nan_and_does_not_count_it():
    np.testing.assert_array_equal(by_best(floats(NAN, 4, 2), 0.0), floats(NAN, 1, 0.5))


def test_by_best_takes_an_infinite_score_for_unknown():
    np.testing.assert_array_equal(by_best(floats(np.inf, 4), 0.0), floats(NAN, 1))


@pytest.mark.parametrize("poor", [(0, 0), (-3, -2)])
def test_by_best_of_nothing_above_the_floor_is_zero(poor):
    np.testing.assert_array_equal(by_best(floats(*poor, NAN), 0.0), floats(0, 0, NAN))


@given(scores_or_nan, st.sampled_from([0.0, -1.0]))
def test_by_best_stays_in_bounds_and_in_order(scores, floor):
    calibrated = by_best(scores, floor)
    known = ~np.isnan(scores)
    assert calibrated.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(calibrated), ~known)
    assert ((calibrated[known] >= 0) & (calibrated[known] <= 1)).all()
    order = np.argsort(scores[known], kind="stable")
    assert (np.diff(calibrated[known][order]) >= 0).all()


@given(scores_or_nan, st.floats(0, 1, width=32))
def test_by_best_of_two_products_does_not_change_with_a_poorer_third(scores, share):
    best = np.nanmax(scores, initial=0.0)
    third = np.append(scores, np.float32(best * share))
    np.testing.assert_array_equal(by_best(third, 0.0)[:-1], by_best(scores, 0.0))


def test_by_rank_is_the_formula():
    expected = [61 / (60 + 2), 61 / (60 + 1), 61 / (60 + 3)]
    np.testing.assert_allclose(by_rank(floats(5, 9, 1), 0.0), expected, rtol=1e-6)


def test_by_rank_of_another_k():
    np.testing.assert_allclose(by_rank(floats(5, 9), 0.0, k=1), [2 / (1 + 2), 2 / (1 + 1)])


def test_by_rank_gives_nothing_to_what_is_not_in_the_list():
    np.testing.assert_allclose(by_rank(floats(0, NAN, 7, -2), 0.0), [0, 0, 1, 0])


def test_by_rank_ranks_equal_scores_in_the_given_order():
    expected = [61 / 61, 61 / 62, 61 / 63]
    np.testing.assert_allclose(by_rank(floats(3, 3, 3), 0.0), expected, rtol=1e-6)


@given(scores_or_nan)
def test_by_rank_depends_on_the_order_alone(scores):
    np.testing.assert_array_equal(by_rank(scores, -2.0), by_rank(4 * scores, -8.0))


@given(scores_or_nan)
def test_a_weighted_sum_of_ranks_is_reciprocal_rank_fusion(scores):
    """Up to the factor 61, for two lists: one of the scores, one of their opposite."""
    fused = by_rank(scores, -2.0) + by_rank(-scores, -100.0)
    listed = np.flatnonzero(~np.isnan(scores))
    rank = {
        place: r for r, place in enumerate(listed[np.argsort(-scores[listed], kind="stable")], 1)
    }
    other = {
        place: r for r, place in enumerate(listed[np.argsort(scores[listed], kind="stable")], 1)
    }
    for place in listed:
        expected = 1 / (60 + rank[place]) + 1 / (60 + other[place])
        assert fused[place] / 61 == pytest.approx(expected, rel=1e-5)
