"""The cache of vectors that lie in the cluster."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap.product_vectors import VectorCache

ROWS, DIMENSION = 12, 3
some_rows = st.lists(st.integers(0, ROWS - 1), unique=True, max_size=ROWS)


def vectors_of(rows):
    """What can only be the vectors of these rows."""
    return np.array([[row, -row, 0.5] for row in rows], np.float16).reshape(len(rows), DIMENSION)


@settings(deadline=None)
@given(puts=st.lists(some_rows, max_size=20), size=st.integers(1, 20))
def test_the_last_rows_are_there_and_no_vector_is_another_row_s(puts, size):
    cache = VectorCache(ROWS, DIMENSION, size)
    kept = []  # the oldest first
    for put in puts:
        cache.put(np.array(put, np.int64), vectors_of(put))
        kept += [row for row in put if row not in kept]
        kept = kept[-size:]
        every = np.arange(ROWS)
        vectors, missing = cache.get(every)
        assert sorted(every[~missing]) == sorted(kept)
        np.testing.assert_array_equal(vectors[kept], vectors_of(kept))
        assert np.isnan(vectors[missing]).all()


def test_a_product_without_a_vector_is_known_as_that():
    cache = VectorCache(ROWS, DIMENSION, 4)
    cache.put(np.array([3]), np.full((1, DIMENSION), np.nan, np.float16))
    vectors, missing = cache.get(np.array([3, -1, 5]))
    assert np.isnan(vectors).all()
    assert missing.tolist() == [False, False, True]
