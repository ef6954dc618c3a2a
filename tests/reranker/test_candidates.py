import dataclasses

import numpy as np
import pytest

from endcap_reranker import Candidates, ShapeError, Shopper


@pytest.fixture
def candidates(make_candidates, make_shopper):
    return make_candidates(1, 5, make_shopper(2, 3))


def test_length_is_the_number_of_products(candidates):
    assert len(candidates) == 5


def test_no_candidate_is_allowed(make_candidates):
    assert len(make_candidates(1, 0)) == 0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("rows", np.zeros(5, np.int32)),
        ("lexical", np.zeros(4, np.float32)),
        ("lexical", np.zeros(5, np.float64)),
        ("vectors", np.zeros((5, 8), np.float16)),
        ("vectors", np.zeros(5, np.float32)),
        ("query_vector", np.zeros(7, np.float32)),
        ("query_vector", np.zeros((1, 8), np.float32)),
    ],
)
def test_an_array_that_does_not_fit_is_named(candidates, field, wrong):
    with pytest.raises(ShapeError, match=f"^{field} must be"):
        dataclasses.replace(candidates, **{field: wrong})


def test_a_product_column_that_does_not_fit_is_named(candidates):
    with pytest.raises(ShapeError, match=r"product_columns\['price'\] must be"):
        dataclasses.replace(candidates, product_columns={"price": np.zeros(4, np.float32)})


def test_the_shopper_has_vectors_of_the_same_dimension(candidates):
    foreign = Shopper(np.zeros(1, np.int64), np.ones(1, np.float32), np.ones((1, 3), np.float32))
    with pytest.raises(ShapeError, match="shopper.vectors must be"):
        dataclasses.replace(candidates, shopper=foreign)


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("rows", np.zeros((3, 1), np.int64), "shopper.rows must be"),
        ("weights", np.ones(2, np.float32), "shopper.weights must be"),
        ("weights", np.array([1, -1, 1], np.float32), "finite and not negative"),
        ("weights", np.array([1, np.nan, 1], np.float32), "finite and not negative"),
        ("vectors", np.ones((2, 8), np.float32), "shopper.vectors must be"),
    ],
)
def test_a_shopper_that_does_not_fit_is_named(make_shopper, field, wrong, message):
    with pytest.raises(ShapeError, match=message):
        dataclasses.replace(make_shopper(2, 3), **{field: wrong})


def test_candidates_need_no_query_and_no_shopper():
    rows, lexical = np.array([4], np.int64), np.ones(1, np.float32)
    candidates = Candidates(rows, lexical, None, np.zeros((1, 0), np.float32))
    assert candidates.shopper is None
    assert candidates.product_columns == {}
