import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker import (
    Blend,
    Candidates,
    ColumnError,
    CooccurrenceColumn,
    HistoryColumn,
    LexicalColumn,
    PopularityColumn,
    Reranker,
    ShapeError,
    Shopper,
    TextColumn,
)

seeds = st.integers(0, 10_000)
sizes = st.integers(0, 30)
WEIGHTS = {"lexical": 0.3, "text": 0.4, "history": 0.2, "cooccurrence": 0.3, "popularity": 0.1}


class Fixed:
    """A scorer that says what it was told."""

    def __init__(self, name, *values, dtype=np.float32):
        self.name = name
        self.values = np.array(values, dtype)

    def score(self, candidates):
        return self.values


def bare(n):
    return Candidates(np.arange(n), np.zeros(n, np.float32), None, np.zeros((n, 1), np.float32))


@pytest.fixture(scope="module")
def plain(counted):
    scorers = [LexicalColumn(), TextColumn(), PopularityColumn(counted.popularity)]
    return Reranker(scorers, Blend(WEIGHTS))


@pytest.fixture(scope="module")
def personal(plain, counted):
    codes = np.arange(len(counted.item_ids), dtype=np.int32)
    scorers = [*plain.scorers, HistoryColumn(), CooccurrenceColumn(counted, codes)]
    return Reranker(scorers, Blend(WEIGHTS))


@given(seeds, sizes, st.integers(0, 60), st.booleans())
def test_the_order_is_a_permutation_best_first(
    personal, make_candidates, make_shopper, seed, n, events, query
):
    candidates = make_candidates(seed, n, make_shopper(seed, events), query)
    order, scores, columns, _ = personal.rerank(candidates)
    assert sorted(order) == list(range(n))
    assert (np.diff(scores[order]) <= 0).all()
    assert set(columns) == set(WEIGHTS)


@given(seeds, sizes, st.integers(0, 60), st.booleans())
def test_the_contributions_sum_to_the_score(
    personal, make_candidates, make_shopper, seed, n, events, query
):
    reranked = personal.rerank(make_candidates(seed, n, make_shopper(seed, events), query))
    total = sum(reranked.contributions.values())
    np.testing.assert_allclose(reranked.scores, total, atol=1e-6)


@given(seeds, sizes, st.sampled_from(["nobody", "no events", "unknown products", "no weight"]))
def test_who_is_unknown_gets_the_plain_order(
    plain, personal, make_candidates, make_shopper, seed, n, who
):
    candidates = make_candidates(seed, n)
    unknown = Shopper(
        np.full(3, -1, np.int64), np.ones(3, np.float32), np.full((3, 8), np.nan, np.float32)
    )
    seen = make_shopper(seed, 5)
    shopper = {
        "nobody": None,
        "no events": make_shopper(seed, 0),
        "unknown products": unknown,
        "no weight": dataclasses.replace(seen, weights=np.zeros(5, np.float32)),
    }[who]
    expected = plain.rerank(candidates)
    found = personal.rerank(dataclasses.replace(candidates, shopper=shopper))
    np.testing.assert_array_equal(found.order, expected.order)
    np.testing.assert_array_equal(found.scores, expected.scores)


@given(seeds, st.integers(1, 30), st.integers(0, 60))
def test_a_score_does_not_depend_on_the_place(
    personal, make_candidates, make_shopper, seed, n, events
):
    candidates = make_candidates(seed, n, make_shopper(seed, events))
    shuffle = np.random.default_rng(seed).permutation(n)
    shuffled = dataclasses.replace(
        candidates,
        rows=candidates.rows[shuffle],
        lexical=candidates.lexical[shuffle],
        vectors=candidates.vectors[shuffle],
    )
    expected = personal.rerank(candidates).scores[shuffle]
    np.testing.assert_allclose(personal.rerank(shuffled).scores, expected, atol=1e-5)


@given(seeds, st.integers(1, 30), st.integers(0, 60))
def test_many_are_scored_as_one_is(personal, make_candidates, make_shopper, seed, n, events):
    """Personal columns and popularity do not depend on who else is a candidate."""
    candidates = make_candidates(seed, n, make_shopper(seed, events))
    together = personal.rerank(candidates).columns
    for place in range(n):
        one = slice(place, place + 1)
        alone = dataclasses.replace(
            candidates,
            rows=candidates.rows[one],
            lexical=candidates.lexical[one],
            vectors=candidates.vectors[one],
        )
        columns = personal.rerank(alone).columns
        for name in ("history", "cooccurrence", "popularity"):
            np.testing.assert_allclose(columns[name], together[name][one], atol=1e-5)


def test_equal_scores_keep_their_order():
    reranker = Reranker([Fixed("lexical", 0.5, 1.0, 0.5, 1.0)], Blend({"lexical": 1.0}))
    assert reranker.rerank(bare(4)).order.tolist() == [1, 3, 0, 2]


def test_scores_that_differ_beyond_float32_are_ordered():
    scorers = [Fixed("lexical", 1.0, 1.0), Fixed("popularity", 0.0, 1.0)]
    reranked = Reranker(scorers, Blend({"lexical": 1.0, "popularity": 1e-9})).rerank(bare(2))
    assert reranked.scores[0] == reranked.scores[1]
    assert reranked.order.tolist() == [1, 0]


def test_a_weight_without_a_scorer_is_allowed():
    blend = Blend({"lexical": 1.0, "cooccurrence": 1.0})
    reranked = Reranker([Fixed("lexical", 0.25)], blend).rerank(bare(1))
    np.testing.assert_array_equal(reranked.scores, [0.25])


def test_without_scorers_the_order_stays():
    reranked = Reranker([], Blend({})).rerank(bare(3))
    assert reranked.order.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(reranked.scores, [0, 0, 0])


def test_two_scorers_of_one_name_are_refused():
    with pytest.raises(ColumnError, match="two scorers of one name: text, text"):
        Reranker([TextColumn(), TextColumn()], Blend({"text": 1.0}))


def test_a_scorer_without_a_weight_is_refused():
    with pytest.raises(ColumnError, match="no weight for text"):
        Reranker([TextColumn()], Blend({"lexical": 1.0}))


@pytest.mark.parametrize(
    "wrong", [Fixed("lexical", 1.0, 1.0), Fixed("lexical", 1.0, dtype=np.float64)]
)
def test_a_scorer_that_answers_another_shape_is_named(wrong):
    with pytest.raises(ShapeError, match="the column 'lexical' must be float32"):
        Reranker([wrong], Blend({"lexical": 1.0})).rerank(bare(1))
