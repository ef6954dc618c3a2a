import numpy as np
import pytest

from endcap_reranker import Candidates, Cooccurrence, CooccurrenceColumn, Shopper


@pytest.fixture(scope="module")
def counted(checkerboard):
    return Cooccurrence.count(checkerboard)


def score(counted, codes, rows, history, **options):
    def vectors(n):
        return np.zeros((n, 1), np.float32)

    shopper = None
    if history is not None:
        k = len(history)
        shopper = Shopper(np.array(history, np.int64), np.ones(k, np.float32), vectors(k))
    n = len(rows)
    candidates = Candidates(
        np.array(rows, np.int64), np.zeros(n, np.float32), None, vectors(n), {}, shopper
    )
    return CooccurrenceColumn(counted, np.array(codes, np.int32), **options).score(candidates)


def test_a_shopper_of_even_items_gets_the_even_ones(counted):
    found = score(counted, range(10), range(10), [0, 2])
    assert (found[[4, 6, 8]] > 0).all()
    np.testing.assert_array_equal(found[1::2], np.zeros(5))


def test_the_sum_is_bent_by_half(counted):
    raw = counted.score(np.array([0, 2], np.int32), np.ones(2, np.float32), np.array([4], np.int32))
    found = score(counted, range(10), [4], [0, 2], half=0.25)
    np.testing.assert_allclose(found, raw / (raw + 0.25), rtol=1e-6)


def test_rows_are_turned_into_items(counted):
    """Row 0 is item 4, row 1 has no events, row 2 is item 0."""
    found = score(counted, [4, -1, 0], [0, 1, 2], [2])
    expected = score(counted, range(10), [4, 0], [0])
    np.testing.assert_allclose(found, [expected[0], np.nan, expected[1]])


def test_a_row_that_came_after_the_count_is_no_opinion(counted):
    assert np.isnan(score(counted, range(10), [10, -1], [0])).all()


@pytest.mark.parametrize("history", [None, [], [-1], [99]])
def test_without_a_known_history_there_is_no_opinion(counted, history):
    assert np.isnan(score(counted, range(10), range(10), history)).all()


def test_a_longer_history_of_one_kind_says_more(counted):
    short = score(counted, range(10), [8], [0])
    long = score(counted, range(10), [8], [0, 2, 4])
    assert 0 < short[0] < long[0] < 1
