import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker import Candidates, HistoryColumn, Shopper

EAST, NORTH, WEST = [1, 0], [0, 1], [-1, 0]
UNKNOWN = [np.nan, np.nan]


def score(products, seen, rows=None, weights=None, **options):
    k = len(seen)
    shopper = Shopper(
        np.array(range(k) if rows is None else rows, np.int64),
        np.array([1.0] * k if weights is None else weights, np.float32),
        np.array(seen, np.float32).reshape(k, 2),
    )
    n = len(products)
    candidates = Candidates(
        np.arange(n),
        np.zeros(n, np.float32),
        None,
        np.array(products, np.float32),
        {},
        shopper,
    )
    return HistoryColumn(**options).score(candidates)


def attention(cosines, strengths, temperature=0.1):
    """The formula written out, for one product."""
    weights = [s * np.exp(c / temperature) for c, s in zip(cosines, strengths, strict=True)]
    return sum(w * c for w, c in zip(weights, cosines, strict=True)) / sum(weights)


def test_one_event_is_the_cosine():
    np.testing.assert_allclose(score([EAST, [0.6, 0.8], NORTH], [EAST]), [1, 0.6, 0], atol=1e-6)


def test_several_events_are_the_formula():
    found = score([[0.6, 0.8]], [EAST, NORTH], rows=[9, 2], weights=[1, 3])
    expected = attention([0.6, 0.8], [1 * 0.8**0, 3 * 0.8**1])
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_temperature_and_decay_are_options():
    found = score([[0.6, 0.8]], [EAST, NORTH], decay=0.5, temperature=0.7)
    np.testing.assert_allclose(found, [attention([0.6, 0.8], [1, 0.5], 0.7)], rtol=1e-5)


def test_a_product_like_one_of_two_tastes_is_not_averaged_away():
    east, between = score([EAST, [0.7071, 0.7071]], [NORTH, EAST])
    assert east > 0.99
    assert between == pytest.approx(0.7071, abs=1e-3)


def test_of_two_products_alike_the_one_like_the_last_event_is_first():
    east, north = score([[0.8, 0.6], [0.6, 0.8]], [EAST, NORTH], temperature=1.0)
    assert east > north


def test_the_opposite_is_zero():
    np.testing.assert_array_equal(score([WEST], [EAST]), [0])


def test_a_cold_temperature_does_not_underflow():
    np.testing.assert_array_equal(score([WEST, EAST], [EAST], temperature=0.001), [0, 1])


def test_only_the_last_events_count():
    np.testing.assert_allclose(score([EAST], [NORTH, EAST], length=1), [0], atol=1e-6)


def test_a_product_seen_again_counts_once_by_its_last_event():
    again = score([[0.6, 0.8]], [EAST, EAST, NORTH], rows=[5, 5, 6], weights=[1, 9, 1])
    once = score([[0.6, 0.8]], [EAST, NORTH])
    np.testing.assert_array_equal(again, once)


def test_events_unknown_or_without_weight_are_passed_over():
    found = score([[0.6, 0.8]], [UNKNOWN, WEST, EAST], rows=[-1, 7, 8], weights=[1, 0, 1])
    np.testing.assert_array_equal(found, score([[0.6, 0.8]], [EAST]))


def test_an_unknown_product_is_no_opinion():
    np.testing.assert_array_equal(score([UNKNOWN, EAST], [EAST]), [np.nan, 1])


@pytest.mark.parametrize(("seen", "weights"), [([], []), ([UNKNOWN], [1]), ([EAST], [0])])
def test_without_a_history_there_is_no_opinion(seen, weights):
    assert np.isnan(score([EAST, NORTH], seen, weights=weights)).all()


@given(st.integers(0, 1000), st.floats(0.0625, 64, width=32))
def test_the_scale_of_the_weights_does_not_matter(make_vectors, seed, scale):
    vectors, seen = make_vectors(seed, 4)[:, :2], make_vectors(seed + 1, 3)[:, :2]
    weights = np.array([1, 2, 3], np.float32)
    expected = score(vectors, seen, weights=weights)
    found = score(vectors, seen, weights=weights * np.float32(scale))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert ((found >= 0) & (found <= 1)).all()
