import numpy as np
import pytest

from endcap_reranker import Cooccurrence, ModelError
from endcap_reranker.baselines import BASELINES, ease, rank_baselines
from endcap_reranker.counting import count_popularity
from endcap_reranker.ranking import Cases

NO_TEXT = np.empty((10, 0), np.float32)


def last_of(interactions):
    return Cases.at(interactions, interactions.last(1))


@pytest.mark.parametrize("name", ["item-knn", "ease"])
def test_the_checkerboard_recommends_the_withheld_item(checkerboard, name):
    baseline = BASELINES[name](checkerboard, NO_TEXT)
    histories = checkerboard.histories()
    everything = Cases(np.arange(10), histories, np.zeros(10, np.int32))
    scores = baseline.score(everything)
    for user in range(10):
        seen = histories.items[histories.indptr[user] : histories.indptr[user + 1]]
        scores[user, seen] = -np.inf
    np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(10))


def test_popularity_is_that_of_the_rerank_stage(random_interactions):
    events = random_interactions(0)
    cases = last_of(events)
    scores = BASELINES["popularity"](events, NO_TEXT).score(cases)
    np.testing.assert_array_equal(scores, np.tile(count_popularity(events), (len(cases), 1)))


def test_item_knn_is_the_cooccurrence_of_the_rerank_stage(random_interactions):
    events = random_interactions(0)
    cases = last_of(events)
    scores = BASELINES["item-knn"](events, NO_TEXT).score(cases)
    counted = Cooccurrence.count(events)
    np.testing.assert_array_equal(scores[3], counted.score_all(*cases.history(3)))


def test_ease_is_the_closed_form(random_interactions):
    """No item speaks for itself, and the gradient of the ridge is 0 beside the diagonal."""
    events = random_interactions(1)
    weights = ease.EASE(events, NO_TEXT, regularisation=2.0).weights.astype(np.float64)
    chosen = np.zeros((events.n_users, len(events.item_ids)))
    chosen[events.users, events.items] = 1
    gradient = chosen.T @ (chosen @ weights - chosen) + 2 * weights
    np.testing.assert_allclose(np.diag(weights), 0)
    np.fill_diagonal(gradient, 0)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)


def test_ease_of_a_large_catalogue_models_the_items_that_are_chosen_most(
    make_interactions, monkeypatch
):
    events = make_interactions([(0, 1), (0, 2), (1, 1), (1, 2), (2, 3), (2, 1)], 4)
    whole = BASELINES["ease"](make_interactions([(0, 0), (0, 1), (1, 0), (1, 1)], 2), NO_TEXT)
    monkeypatch.setattr(ease, "LARGEST", 2)
    scores = BASELINES["ease"](events, NO_TEXT).score(last_of(events))
    assert np.isnan(scores[:, [0, 3]]).all()
    assert np.isfinite(scores[:, [1, 2]]).all()
    assert whole.weights.shape == (2, 2)


def test_the_last_texts_find_what_reads_alike(make_interactions):
    events = make_interactions([(0, 0), (0, 1), (0, 3)], 4)
    text = np.array([[1, 0], [0.6, 0.8], [0, 1], [np.nan, np.nan]], np.float32)
    scores = BASELINES["text"](events, text).score(last_of(events))
    assert scores[0, 1] > scores[0, 2]
    assert np.isnan(scores[0, 3])


def test_without_text_its_baseline_is_left_out(checkerboard):
    ranked = rank_baselines(tuple(BASELINES), checkerboard, NO_TEXT, last_of(checkerboard))
    assert ranked.keys() == {"popularity", "item-knn", "ease"}


def test_an_unknown_baseline_is_named(checkerboard):
    with pytest.raises(ModelError, match="no baseline 'random'; it takes ease, item-knn"):
        rank_baselines(["random"], checkerboard, NO_TEXT, last_of(checkerboard))
