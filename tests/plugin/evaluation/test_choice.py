"""The choice among configurations whose worth is known."""

import numpy as np
import pytest

from endcap.evaluation.choice import choose, choose_lexical
from endcap.evaluation.trials import FLOORS, SHARES, Worth

QUERIES = 40
EVERY = np.arange(QUERIES)
START = {"title": 2.0, "brand": 1.0}


class Known:
    """Trials of a toy: what a configuration is worth is a formula, with noise by query."""

    def __init__(self, brand, share, floor=0.4, noise=0.0):
        self.brand, self.share, self.floor = brand, share, floor
        self.noise = np.random.default_rng(0).normal(0, noise, QUERIES)
        self.tried = []

    def worth(self, boosts):
        self.tried.append(boosts)
        ratio = np.log2(boosts["brand"] / boosts["title"])
        base = 1 - 0.05 * (ratio - np.log2(self.brand)) ** 2 + self.noise
        shares = -((np.array(SHARES) - self.share) ** 2)
        floors = np.where(np.array(FLOORS) > self.floor + 1e-9, -0.2, 0.0)
        both = floors[:, None, None] + shares[None, :, None] + base
        return Worth(base, both, both)


@pytest.mark.parametrize("brand", [0.125, 0.5, 2.0])
def test_the_best_boosts_share_and_floor_are_found(brand):
    chosen = choose(Known(brand, share=0.4), START, EVERY)
    assert chosen.boosts == {"title": 2.0, "brand": brand * 2}
    assert (chosen.fused, chosen.reranked) == (0.4, 0.4)
    assert chosen.floor == 0.4


def test_of_equal_floors_the_highest_is_taken():
    """It shows least that was not asked for."""
    assert choose(Known(0.5, share=0.4, floor=0.3), START, EVERY).floor == 0.3
    assert choose(Known(0.5, share=0.4, floor=1.0), START, EVERY).floor == max(FLOORS)


def test_the_baseline_has_boosts_of_its_own():
    assert choose_lexical(Known(0.125, share=0.4), START, EVERY)["brand"] == 0.25


def test_the_first_boost_stays_where_it_is():
    trials = Known(0.125, share=0.4)
    choose(trials, START, EVERY)
    assert {boosts["title"] for boosts in trials.tried} == {2.0}


def test_the_two_legs_are_weighed_for_recall_and_for_the_order_apart():
    class Apart(Known):
        def worth(self, boosts):
            known, other = super().worth(boosts), Known(0.5, share=0.7).worth(boosts)
            return Worth(known.lexical, known.fused, other.reranked)

    chosen = choose(Apart(0.5, share=0.3), START, EVERY)
    assert (chosen.fused, chosen.reranked) == (0.3, 0.7)


def test_only_the_given_queries_decide():
    """Half of the queries want one share, half another: a leak would show as the middle."""

    class Split(Known):
        def worth(self, boosts):
            low, high = (Known(0.5, share=s).worth(boosts) for s in (0.3, 0.7))
            odd = EVERY % 2 == 1
            both = np.where(odd, high.fused, low.fused)
            return Worth(low.lexical, both, both)

    trials = Split(0.5, share=0.5)
    assert choose(trials, START, np.flatnonzero(EVERY % 2 == 1)).reranked == 0.7
    assert choose(trials, START, np.flatnonzero(EVERY % 2 == 0)).reranked == 0.3


def test_a_flat_optimum_is_answered_with_its_middle():
    """Two shares are equally good on average, each on other queries: samples take either."""

    class Flat(Known):
        def worth(self, boosts):
            shape = (len(FLOORS), len(SHARES), QUERIES)
            both = np.zeros(shape)
            both[:, SHARES.index(0.4), EVERY % 2 == 0] = 1
            both[:, SHARES.index(0.6), EVERY % 2 == 1] = 1
            return Worth(np.zeros(QUERIES), both, both)

    assert choose(Flat(0.5, 0.5), START, EVERY).reranked == pytest.approx(0.5, abs=0.03)


def test_the_same_queries_give_the_same_choice():
    first, second = (choose(Known(0.5, 0.4, noise=0.3), START, EVERY) for _ in range(2))
    assert first == second


def test_a_catalogue_of_one_text_field_keeps_its_boost():
    class One(Known):
        def worth(self, boosts):
            return super().worth({"brand": 1.0, **boosts})

    assert choose(One(0.5, 0.4), {"title": 2.0}, EVERY).boosts == {"title": 2.0}
