import numpy as np
import pytest
import torch

from endcap_reranker.training.losses import LOSSES
from endcap_reranker.training.sampling import NegativeSampler

pytestmark = pytest.mark.torch
ITEMS = 7


@pytest.fixture
def scores():
    return torch.randn(5, ITEMS, dtype=torch.float64, requires_grad=True)


RIGHT = torch.tensor([3, 0, 6, 2, 2])


def test_binary_cross_entropy_is_the_formula(scores):
    found = LOSSES["bce"]()(scores, RIGHT, torch.zeros(ITEMS))
    right = torch.arange(ITEMS) == RIGHT[:, None]
    positives = -torch.sigmoid(scores[right]).log().sum()
    negatives = -torch.sigmoid(-scores[~right]).log().sum() / (ITEMS - 1)
    torch.testing.assert_close(found, positives + negatives)


def test_full_softmax_is_the_formula(scores):
    found = LOSSES["full-softmax"]()(scores, RIGHT, torch.zeros(ITEMS))
    right = scores[torch.arange(5), RIGHT]
    torch.testing.assert_close(found, (scores.exp().sum(1).log() - right).sum())


def test_drawing_every_other_item_once_is_the_full_softmax(scores):
    """Item 0 is right, the others are drawn once each: nothing is left to correct."""
    right = torch.zeros(5, dtype=torch.int64)
    sampled = LOSSES["sampled-softmax"]()(scores, right, torch.zeros(ITEMS))
    full = LOSSES["full-softmax"]()(scores, right, torch.zeros(ITEMS))
    torch.testing.assert_close(sampled, full)


def test_an_item_that_is_drawn_twice_as_often_counts_half(scores):
    right = torch.zeros(5, dtype=torch.int64)
    twice = torch.cat([scores, scores[:, 1:]], dim=1)
    expected = torch.cat([torch.zeros(1), torch.full((2 * ITEMS - 2,), np.log(2))])
    sampled = LOSSES["sampled-softmax"]()(twice, right, expected)
    full = LOSSES["full-softmax"]()(scores, right, torch.zeros(ITEMS))
    torch.testing.assert_close(sampled, full)


def test_the_sum_over_drawn_items_is_right_on_average():
    """log Q corrects the draw: without it popular items would count more than they do."""
    sampler = NegativeSampler(np.repeat(np.arange(4), [1, 2, 10, 50]), 4, 1.0)
    random = np.random.default_rng(0)
    weights = np.array([5.0, 1.0, 2.0, 3.0])
    drawn = sampler.draw(200_000, random)
    estimate = (weights[drawn.items] / np.exp(drawn.log_expected)).sum()
    assert estimate == pytest.approx(weights.sum(), rel=0.02)


@pytest.mark.parametrize("loss", ["bce", "sampled-softmax"])
def test_a_negative_that_is_the_right_item_counts_nothing(scores, loss):
    masked = scores.detach().clone()
    masked[:, 4] = -torch.inf
    right = torch.zeros(5, dtype=torch.int64)
    without = masked[:, [0, 1, 2, 3, 5, 6]]
    found = LOSSES[loss]()(masked, right, torch.zeros(ITEMS))
    expected = LOSSES[loss]()(without, right, torch.zeros(ITEMS - 1))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_a_loss(scores, loss):
    expected = torch.rand(ITEMS, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: LOSSES[loss]()(s, RIGHT, expected), (scores,))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_negatives_are_drawn_by_popularity(exponent):
    counts = np.array([1, 4, 16])
    sampler = NegativeSampler(np.repeat(np.arange(3), counts), 3, exponent)
    drawn = sampler.draw(30_000, np.random.default_rng(0))
    expected = counts**exponent / (counts**exponent).sum()
    np.testing.assert_allclose(np.bincount(drawn.items) / 30_000, expected, atol=0.01)
    np.testing.assert_allclose(
        np.exp(drawn.log_expected), 30_000 * expected[drawn.items], rtol=1e-5
    )
