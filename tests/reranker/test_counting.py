import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker import counting
from endcap_reranker.counting import count_neighbours, count_popularity, slices

seeds = st.integers(0, 10_000)


def dense(neighbours):
    n = len(neighbours.indptr) - 1
    matrix = np.zeros((n, n))
    rows = np.repeat(np.arange(n), np.diff(neighbours.indptr))
    matrix[rows, neighbours.items] = neighbours.values
    return matrix


def expected(interactions, shrink):
    """The formula with a dense users x items matrix."""
    chosen = np.zeros((interactions.n_users, len(interactions.item_ids)))
    np.maximum.at(chosen, (interactions.users, interactions.items), interactions.weights)
    norms = np.sqrt((chosen**2).sum(axis=0))
    similar = chosen.T @ chosen / (np.outer(norms, norms) + shrink)
    np.fill_diagonal(similar, 0)
    return similar


def test_the_formula_on_three_users(make_interactions):
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2)]
    found = dense(count_neighbours(make_interactions(pairs, 3), 10, 10.0, 10))
    assert found[0, 1] == pytest.approx(2 / (np.sqrt(2 * 2) + 10))
    assert found[1, 2] == pytest.approx(1 / (np.sqrt(2 * 2) + 10))
    np.testing.assert_array_equal(np.diag(found), [0, 0, 0])


def test_weights_are_those_of_the_heaviest_action(make_interactions):
    pairs = [(0, 0), (0, 0), (0, 1), (1, 1)]
    interactions = make_interactions(pairs, 2, weights=[1.0, 3.0, 2.0, 1.0])
    found = dense(count_neighbours(interactions, 10, 0.5, 10))
    assert found[0, 1] == pytest.approx(3 * 2 / (3 * np.sqrt(2**2 + 1**2) + 0.5))


def test_the_checkerboard(checkerboard):
    found = dense(count_neighbours(checkerboard, 10, 10.0, 10)) > 0
    same_colour = np.add.outer(np.arange(10), np.arange(10)) % 2 == 0
    np.testing.assert_array_equal(found, same_colour & ~np.eye(10, dtype=bool))


@given(seeds)
def test_sparse_counting_is_dense_counting(random_interactions, seed):
    interactions = random_interactions(seed)
    found = dense(count_neighbours(interactions, 1000, 10.0, 1000))
    np.testing.assert_allclose(found, expected(interactions, 10.0), rtol=1e-6)


@pytest.mark.parametrize("pairs", [1, 50, 400])
def test_blocks_do_not_show(random_interactions, monkeypatch, pairs):
    interactions = random_interactions(5)
    whole = count_neighbours(interactions, 7, 10.0, 20)
    monkeypatch.setattr(counting, "PAIRS", pairs)
    for one, other in zip(count_neighbours(interactions, 7, 10.0, 20), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_block_has_as_many_pairs_as_are_allowed(random_interactions, monkeypatch):
    sizes = []
    count = counting._pairs

    def counted(histories, users, events, n_items):
        lengths = np.diff(histories.indptr)
        sizes.append((lengths[users[events]].sum(), len(set(histories.items[events]))))
        return count(histories, users, events, n_items)

    monkeypatch.setattr(counting, "_pairs", counted)
    monkeypatch.setattr(counting, "PAIRS", 100)
    count_neighbours(random_interactions(5), 7, 10.0, 20)
    assert len(sizes) > 5
    assert all(pairs <= 100 or items == 1 for pairs, items in sizes)


@given(seeds, st.integers(1, 8))
def test_the_nearest_are_kept_nearest_first(random_interactions, seed, top):
    interactions = random_interactions(seed)
    found = count_neighbours(interactions, top, 10.0, 1000)
    similar = expected(interactions, 10.0)
    for item in range(len(similar)):
        kept = found.values[found.indptr[item] : found.indptr[item + 1]]
        best = np.sort(similar[item][similar[item] > 0])[::-1][:top]
        np.testing.assert_allclose(kept, best, rtol=1e-6)


def test_equal_neighbours_are_kept_by_item(make_interactions):
    pairs = [(0, 0), (0, 3), (0, 1), (0, 2)]
    found = count_neighbours(make_interactions(pairs, 4), 2, 10.0, 10)
    assert found.items[:2].tolist() == [1, 2]


def test_of_a_long_history_the_last_items_count(make_interactions):
    interactions = make_interactions([(0, 0), (0, 1), (0, 2)], 3)
    found = dense(count_neighbours(interactions, 10, 10.0, 2)) > 0
    assert found[1, 2]
    assert not found[0].any()


def test_an_item_chosen_again_is_recent(make_interactions):
    interactions = make_interactions([(0, 0), (0, 1), (0, 2), (0, 0)], 3)
    found = dense(count_neighbours(interactions, 10, 10.0, 2)) > 0
    assert found[0, 2]
    assert not found[1].any()


def test_no_events_no_neighbours(make_interactions):
    found = count_neighbours(make_interactions([], 3), 10, 10.0, 10)
    assert found.indptr.tolist() == [0, 0, 0, 0]
    assert (len(found.items), len(found.values)) == (0, 0)


def test_types(checkerboard):
    found = count_neighbours(checkerboard, 10, 10.0, 10)
    types = [array.dtype for array in found]
    assert types == [np.int64, np.int32, np.float32]


def test_popularity_is_the_sum_of_weights(make_interactions):
    interactions = make_interactions(
        [(0, 0), (0, 0), (1, 2)], 3, weights=[1.0, 3.0, 2.0], times=[0.0, 0.0, 0.0]
    )
    np.testing.assert_array_equal(count_popularity(interactions), [4, 0, 2])


def test_without_times_an_event_counts_half_of_the_users_next_one(make_interactions):
    interactions = make_interactions([(0, 0), (0, 1), (0, 2), (1, 0)], 3)
    np.testing.assert_array_equal(count_popularity(interactions), [1.25, 0.5, 1])


def test_popularity_halves_with_the_half_life(make_interactions):
    day = 86_400.0
    interactions = make_interactions([(0, 0), (0, 1), (0, 2)], 3, times=[0.0, 30 * day, 60 * day])
    np.testing.assert_allclose(count_popularity(interactions, 30.0), [0.25, 0.5, 1.0])


def test_slices_are_one_after_the_other():
    positions, lengths = slices(np.array([0, 2, 2, 5]), np.array([2, 1, 0, 2]))
    assert positions.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert lengths.tolist() == [3, 0, 2, 3]
