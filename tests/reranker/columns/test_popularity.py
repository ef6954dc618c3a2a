import numpy as np
import pytest

from endcap_reranker import Candidates, PopularityColumn


def score(counts, rows):
    n = len(rows)
    candidates = Candidates(
        np.array(rows, np.int64), np.zeros(n, np.float32), None, np.zeros((n, 1), np.float32)
    )
    return PopularityColumn(np.array(counts, np.float32)).score(candidates)


def test_popularity_is_the_formula():
    expected = [np.log(1 + 3) / np.log(1 + 99), np.log(1 + 99) / np.log(1 + 99), 0]
    np.testing.assert_allclose(score([99, 3, 0], [1, 0, 2]), expected, rtol=1e-6)


def test_the_scale_is_the_catalogue_and_not_the_window():
    np.testing.assert_allclose(score([99, 3], [1]), [np.log(4) / np.log(100)], rtol=1e-6)


@pytest.mark.parametrize("row", [-1, 2, 5])
def test_an_unknown_row_or_count_is_no_opinion(row):
    assert np.isnan(score([99, 3, np.nan], [row])).all()


def test_a_negative_count_is_none():
    np.testing.assert_array_equal(score([9, -4], [1]), [0])


@pytest.mark.parametrize("counts", [[0, 0], [np.nan, 0]])
def test_a_catalogue_without_counts_has_zeros(counts):
    np.testing.assert_array_equal(score(counts, [1]), [0])


def test_an_empty_catalogue_has_no_opinion():
    np.testing.assert_array_equal(score([], [0]), [np.nan])
