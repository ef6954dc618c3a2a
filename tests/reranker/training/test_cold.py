import numpy as np
import pytest

from endcap_reranker.models import ColdCalibration
from endcap_reranker.training.cold import SHARES, BothWays


@pytest.fixture
def both():
    """Cold vectors are half as long as warm ones, elsewhere, and of one item there is none."""
    random = np.random.default_rng(0)
    warm = random.standard_normal((400, 4)).astype(np.float32) + np.float32(0.5)
    cold = 0.5 * random.standard_normal((400, 4)).astype(np.float32) - np.float32(0.2)
    cold[7] = np.nan
    return BothWays(warm, cold)


def test_matched_cold_scores_have_the_mean_and_the_spread_of_warm_ones(both):
    states = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    matched = both.match(states)
    known = np.arange(400) != 7
    warm, cold = states @ both.warm[known].T, states @ matched(both.cold[known]).T
    np.testing.assert_allclose(cold.mean(axis=1), warm.mean(axis=1), atol=1e-4)
    assert cold.var(axis=1).mean() == pytest.approx(warm.var(axis=1).mean(), rel=1e-4)


def test_without_content_nothing_is_changed():
    both = BothWays(np.ones((3, 2), np.float32), np.full((3, 2), np.nan, np.float32))
    states = np.ones((1, 2), np.float32)
    assert both.match(states).spread == 1
    assert both.affordable(ColdCalibration.none(2), lambda candidates, asked: 1.0) == 1


@pytest.mark.parametrize(("dear", "share"), [(1.1, 1.0), (0.93, 0.9), (0.0, 0.8)])
def test_the_largest_share_that_warm_items_can_afford_is_taken(both, dear, share):
    """A share of `dear` or more costs the warm items two of a hundred."""
    matched = ColdCalibration(np.zeros(4, np.float32), np.zeros(4, np.float32), 2.0)

    def ndcg(candidates, asked):
        assert 0.85 < asked.mean() < 0.95
        np.testing.assert_array_equal(candidates[asked], both.warm[asked])
        spread = (candidates[~asked] / both.cold[~asked]).mean() / matched.spread
        plain = spread < 0.6
        return 0.5 if plain or spread < dear else 0.49

    assert both.affordable(matched, ndcg) == share
    assert share in SHARES
