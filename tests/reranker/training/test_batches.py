import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap_reranker import Histories
from endcap_reranker.training.batches import draw_batches, last_events, pad


def histories_of(*lengths):
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(indptr[-1], dtype=np.int32)
    return Histories(indptr, items, np.full(len(items), 2, np.float32))


def test_the_last_events_are_kept():
    kept = last_events(histories_of(2, 0, 5), 3)
    np.testing.assert_array_equal(kept.indptr, [0, 2, 2, 5])
    np.testing.assert_array_equal(kept.items, [0, 1, 4, 5, 6])


def test_a_batch_is_padded_behind_the_last_event():
    batch = pad(histories_of(2, 0, 3), np.array([2, 0]))
    np.testing.assert_array_equal(batch.items, [[2, 3, 4], [0, 1, 0]])
    np.testing.assert_array_equal(batch.present, [[True] * 3, [True, True, False]])
    np.testing.assert_array_equal(batch.weights, [[2, 2, 2], [2, 2, 0]])


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100), st.integers(0, 99))
def test_everybody_is_in_one_batch_and_no_batch_is_too_large(lengths, events, seed):
    histories = histories_of(*lengths)
    batches = draw_batches(histories, 2, events, np.random.default_rng(seed))
    drawn = np.concatenate([*batches, np.empty(0, np.int64)])
    assert sorted(drawn) == [user for user, length in enumerate(lengths) if length >= 2]
    for users in batches:
        assert pad(histories, users).items.size <= events or len(users) == 1


def test_histories_of_one_length_come_together():
    histories = histories_of(*([3] * 500 + [50] * 30))
    batches = draw_batches(histories, 2, 300, np.random.default_rng(0))
    padded = sum(pad(histories, users).items.size for users in batches)
    assert padded <= 1.05 * histories.indptr[-1]
