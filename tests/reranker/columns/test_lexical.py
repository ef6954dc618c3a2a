import dataclasses

import numpy as np

from endcap_reranker import LexicalColumn, by_rank


def test_lexical_is_calibrated_by_the_best(make_candidates):
    lexical = np.array([4.0, 1.0, 0.0, np.nan], np.float32)
    candidates = dataclasses.replace(make_candidates(0, 4), lexical=lexical)
    np.testing.assert_array_equal(LexicalColumn().score(candidates), [1, 0.25, 0, np.nan])


def test_lexical_by_rank(make_candidates):
    lexical = np.array([1.0, 4.0, 0.0], np.float32)
    candidates = dataclasses.replace(make_candidates(0, 3), lexical=lexical)
    found = LexicalColumn(calibrate=by_rank).score(candidates)
    np.testing.assert_allclose(found, [61 / 62, 61 / 61, 0], rtol=1e-6)
