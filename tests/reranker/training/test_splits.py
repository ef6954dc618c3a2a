import numpy as np
import pytest

from endcap_reranker import InteractionsError
from endcap_reranker.training.splits import split


def asked(cases):
    return [
        (int(user), cases.history(row)[0][::-1].tolist(), int(cases.targets[row]))
        for row, user in enumerate(cases.users)
    ]


def test_without_times_the_last_item_is_asked_for(make_interactions):
    pairs = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 0), (2, 1)]
    training, validation = split(make_interactions(pairs, 5), 0.1)
    assert asked(validation) == [(0, [1, 2], 3), (2, [0], 1)]
    np.testing.assert_array_equal(training.items, [1, 2, 0])


def test_with_times_the_first_item_after_one_moment_is_asked_for(make_interactions):
    pairs = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 3), (3, 4)]
    times = [1, 2, 8, 9, 3, 4, 10, 5]
    training, validation = split(make_interactions(pairs, 5, times=times), 0.4)
    assert asked(validation) == [(0, [0, 1], 2)]
    assert training.times.max() < 8
    np.testing.assert_array_equal(training.users, [0, 0, 1, 1, 3])


def test_a_repeated_item_is_asked_for_at_its_last_event(make_interactions):
    """Its earlier event would give the answer away."""
    training, validation = split(make_interactions([(0, 1), (0, 2), (0, 1)], 3), 0.1)
    assert asked(validation) == [(0, [2], 1)]
    np.testing.assert_array_equal(training.items, [2])


def test_nothing_to_ask_for_is_an_error(make_interactions):
    with pytest.raises(InteractionsError, match="no user has two products"):
        split(make_interactions([(0, 1), (1, 1), (2, 2)], 3), 0.1)
    at_once = make_interactions([(0, 1), (0, 2)], 3, times=[5, 5])
    with pytest.raises(InteractionsError, match="nobody has a product before the last 10% of"):
        split(at_once, 0.1)
