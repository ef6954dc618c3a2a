"""The paired interval on differences that are known."""

import numpy as np
import pytest

from endcap.evaluation import paired_interval


def test_a_constant_difference_is_certain():
    theirs = np.linspace(0, 0.9, 50)
    found = paired_interval(theirs + 0.1, theirs)
    assert found == pytest.approx((0.1, 0.1, 0.1))


def test_pairs_are_kept_together():
    """Queries differ far more than systems do: only a paired interval sees the difference."""
    random = np.random.default_rng(1)
    theirs = random.random(100)
    ours = theirs + random.normal(0.01, 0.001, 100)
    found = paired_interval(ours, theirs)
    assert 0.009 < found.low < found.difference < found.high < 0.011


def test_the_width_is_that_of_the_normal_approximation():
    differences = np.random.default_rng(2).normal(0, 1, 2000)
    found = paired_interval(differences, np.zeros(2000))
    error = differences.std() / np.sqrt(2000)
    assert found.difference == pytest.approx(differences.mean())
    assert found.low == pytest.approx(differences.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(differences.mean() + 1.96 * error, abs=0.1 * error)


def test_it_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(60):
        found = paired_interval(random.exponential(1, 80) - 1, np.zeros(80))
        covered += found.low <= 0 <= found.high
    assert 51 <= covered <= 60  # 57 expected


def test_swapped_systems_have_the_mirrored_difference():
    ours, theirs = np.random.default_rng(4).random((2, 40))
    there, back = paired_interval(ours, theirs), paired_interval(theirs, ours)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=0.01)


def test_the_same_numbers_give_the_same_interval():
    ours, theirs = np.random.default_rng(5).random((2, 40))
    assert paired_interval(ours, theirs) == paired_interval(ours, theirs)
    assert paired_interval(ours, theirs) != paired_interval(ours, theirs, seed=1)
