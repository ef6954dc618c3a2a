import numpy as np

from endcap_reranker import Candidates, TextColumn, by_rank


def candidates(query):
    vectors = np.array([[1, 0], [0.6, 0.8], [-1, 0], [np.nan, np.nan]], np.float32)
    return Candidates(np.arange(4), np.zeros(4, np.float32), query, vectors)


EAST = np.array([1, 0], np.float32)


def test_text_is_the_cosine_calibrated_by_the_best():
    expected = [(1 + 1) / 2, (0.6 + 1) / 2, (-1 + 1) / 2, np.nan]
    np.testing.assert_allclose(TextColumn().score(candidates(EAST)), expected, rtol=1e-6)


def test_text_by_rank():
    found = TextColumn(calibrate=by_rank).score(candidates(EAST))
    np.testing.assert_allclose(found, [61 / 61, 61 / 62, 0, 0], rtol=1e-6)


def test_without_a_query_vector_there_is_no_opinion():
    assert np.isnan(TextColumn().score(candidates(None))).all()


def test_a_nan_query_vector_is_no_opinion():
    assert np.isnan(TextColumn().score(candidates(EAST * np.nan))).all()
