import numpy as np
import pytest

from endcap_reranker.ranking import Cases, average, rank_cases


@pytest.fixture
def cases(make_interactions):
    """User 0 chose 1, 2, then 3; user 1 chose 0, then 2; user 2 one item only."""
    events = make_interactions([(0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (2, 4)], 5)
    return Cases.at(events, events.last(1))


def scores_of(*rows):
    return lambda some: np.array(rows, np.float32)


def test_the_rank_is_among_what_is_not_in_the_history(cases):
    ranks = rank_cases(cases, 5, scores_of([5, 9, 8, 3, 4], [9, 1, 5, 4, 3]))
    np.testing.assert_array_equal(ranks, [3, 1])


def test_equal_scores_share_the_middle_of_their_places(cases):
    ranks = rank_cases(cases, 5, scores_of([1, 1, 1, 1, 1], [0, 3, 2, 2, 1]))
    np.testing.assert_array_equal(ranks, [2, 2.5])


def test_no_opinion_is_the_last_place(cases):
    ranks = rank_cases(cases, 5, scores_of([1, 9, 9, np.nan, 2], [9, 1, 2, np.nan, 0]))
    np.testing.assert_array_equal(ranks, [3, 1])


def test_blocks_are_ranked_as_the_whole_is(random_interactions, monkeypatch):
    events = random_interactions(0)
    cases = Cases.at(events, events.last(1))
    table = np.random.default_rng(0).random((events.n_users, 40), np.float32)
    whole = rank_cases(cases, 40, lambda some: table[some.users])
    monkeypatch.setattr("endcap_reranker.ranking.SCORES", 100)
    np.testing.assert_array_equal(rank_cases(cases, 40, lambda some: table[some.users]), whole)


def test_averages():
    found = average(np.array([1.0, 3.0, 10.0, 11.0]))
    assert found["hr@10"] == pytest.approx(3 / 4)
    assert found["ndcg@10"] == pytest.approx((1 + 1 / 2 + 1 / np.log2(11)) / 4)


def test_some_are_drawn_by_the_seed(random_interactions):
    events = random_interactions(0)
    cases = Cases.at(events, events.last(1))
    assert len(cases.some(5, 0)) == 5
    np.testing.assert_array_equal(cases.some(5, 0).users, cases.some(5, 0).users)
    assert cases.some(1000, 0) is cases
