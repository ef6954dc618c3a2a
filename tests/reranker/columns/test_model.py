import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_model import toy_model

from endcap_reranker import Candidates, ModelColumn, Shopper

AXES = np.eye(4, dtype=np.float32)
IDS = [f"p{number:02}" for number in range(40)]  # the kind of a product is its number mod 4


class Items:
    """The catalogue: the products that the model knows, then one that it does not."""

    def __init__(self, model):
        known = model.item_vectors(IDS)
        self.all = np.vstack([known, np.full((1, known.shape[1]), np.nan, np.float32)])

    def __len__(self):
        return len(self.all)

    def vectors(self, rows):
        found = self.all[np.where(rows < len(self), rows, -1)]
        found[rows < 0] = np.nan
        return found


def column(scale=1.0, **options):
    model = toy_model({id: scale * AXES[n % 4] for n, id in enumerate(IDS)}, **options)
    return ModelColumn.over(model, Items(model))


def candidates(rows, history, weights=None, key=None):
    def nothing(n):
        return np.zeros((n, 1), np.float32)

    shopper = None
    if history is not None:
        k = len(history)
        felt = np.ones(k, np.float32) if weights is None else np.array(weights, np.float32)
        shopper = Shopper(np.array(history, np.int64), felt, nothing(k), key)
    n = len(rows)
    silent = np.zeros(n, np.float32)
    return Candidates(np.array(rows, np.int64), silent, None, nothing(n), {}, shopper)


def test_what_is_of_the_kind_that_was_chosen_suits():
    found = column().score(candidates(range(8), [12, 16]))
    assert (found[[0, 4]] > 0.4).all()
    assert (found[[1, 2, 3, 5, 6, 7]] < 0.1).all()
    assert ((found > 0) & (found < 1)).all()


def test_what_is_not_liked_is_in_the_model_s_order():
    model = toy_model({id: [1.0, -n] for n, id in enumerate(IDS)})
    found = ModelColumn.over(model, Items(model)).score(candidates(range(40), [1]))
    assert (np.diff(found) != 0).all()
    assert np.argsort(-found, kind="stable").tolist() == list(range(39, -1, -1))


def test_the_score_is_one_half_at_half():
    """s is 1 for a quarter of the products and 0 for the others: m = 1/4, d² = 3/16, z = √3."""
    for half, expected in ((3**0.5, 0.5), (0.0, 1 / (1 + np.exp(-(3**0.5))))):
        found = ModelColumn(column().model, column().items, column().references, half)
        assert found.score(candidates([0], [4]))[0] == pytest.approx(expected, rel=1e-5)


def test_the_scale_of_the_model_says_nothing():
    one, other = (column(scale).score(candidates(range(8), [4, 1, 8])) for scale in (1.0, 50.0))
    np.testing.assert_allclose(one, other, rtol=1e-5)


@given(st.sets(st.integers(0, 39), min_size=1))
def test_the_window_says_nothing(rows):
    rows = sorted(rows)
    some = column().score(candidates(rows, [4, 1]))
    np.testing.assert_array_equal(some, column().score(candidates(range(40), [4, 1]))[rows])


@pytest.mark.parametrize("history", [None, [], [-1], [40], [41]])
def test_without_a_known_event_there_is_no_opinion(history):
    assert np.isnan(column().score(candidates(range(8), history))).all()


def test_an_event_that_counts_nothing_is_no_event():
    assert np.isnan(column().score(candidates(range(8), [3], weights=[0]))).all()


@pytest.mark.parametrize("row", [-1, 40, 41])
def test_of_a_product_that_the_model_does_not_know_there_is_no_opinion(row):
    found = column().score(candidates([4, row], [0]))
    assert found[0] > 0
    assert np.isnan(found[1])


def test_a_shopper_with_a_row_of_its_own_is_found_by_the_key():
    found = column(encoder="user", users={b"ada": AXES[2], b"bob": AXES[3]})
    for key, kind in ((b"ada", 2), (b"bob", 3)):
        scores = found.score(candidates(range(4), [0], key=key))
        assert np.flatnonzero(scores > 0.1).tolist() == [kind]
    folded_in = found.score(candidates(range(4), [0], key=b"eve"))
    assert np.flatnonzero(folded_in > 0.1).tolist() == [0]


def test_a_row_of_one_s_own_without_a_history_is_no_opinion():
    """Who was forgotten, or has no event yet, is a stranger."""
    found = column(encoder="user", users={b"ada": AXES[2]})
    for history in (None, []):
        assert np.isnan(found.score(candidates(range(4), history, key=b"ada"))).all()


def test_a_catalogue_that_the_model_does_not_know_has_no_opinion():
    model = toy_model({id: AXES[0] for id in IDS})
    items = Items(model)
    items.all[:] = np.nan
    assert np.isnan(ModelColumn.over(model, items).score(candidates(range(4), [0]))).all()


def test_a_score_far_from_all_others_is_a_score():
    model = toy_model({"p00": [1e30], "p01": [-1e30], "p02": [1.0], "p03": [1.0]})
    items = Items(model)
    found = ModelColumn(model, items, items.all[2:4]).score(candidates(range(3), [2]))
    assert found[0] == pytest.approx(1) and found[1] == pytest.approx(0)
    assert 0 < found[2] < 1


def test_a_model_that_scores_all_alike_prefers_nothing():
    model = toy_model({id: AXES[0] for id in IDS})
    found = ModelColumn.over(model, Items(model)).score(candidates(range(4), [0]))
    assert len(set(found.tolist())) == 1
