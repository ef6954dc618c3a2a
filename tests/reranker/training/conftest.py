"""Toy shops whose right answers are known."""

import pytest
import torch

from endcap_reranker.models import ModelConfiguration
from endcap_reranker.training import TrainingConfiguration

RING = 9


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Models this small gain nothing by a second one, which may wait for a core for minutes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ring(make_interactions):
    """Whoever chose item i chooses item i + 1 next, around a ring; users start anywhere."""
    pairs = [(user, (user + step) % RING) for user in range(36) for step in range(4)]
    return make_interactions(pairs, RING)


@pytest.fixture(scope="session")
def colours(make_interactions):
    """Even users choose even items of 12, odd users odd ones, all but one: user u lacks item
    `u % 12`, and each begins elsewhere.
    """
    own = [[(user + 2 * step) % 12 for step in range(1, 6)] for user in range(24)]
    return make_interactions([(user, item) for user in range(24) for item in own[user]], 12)


@pytest.fixture(scope="session")
def make_configuration():
    def make(encoder="mean", interaction="dot", loss="full-softmax", **sizes):
        chosen = {"dimension": 16, "hidden": 32, **sizes}
        return ModelConfiguration(encoder=encoder, interaction=interaction, loss=loss, **chosen)

    return make


@pytest.fixture(scope="session")
def make_training():
    """To learn a toy by heart: nothing is dropped out, steps are long, and the epoch that ranks
    the validation best is what is looked at.
    """

    def make(**choices):
        by_heart = {"epochs": 30, "patience": 30, "learning_rate": 0.02, "negatives": 6}
        whole = {"dropout": 0.0, "id_dropout": 0.0, "batch_events": 48, "refit": False}
        return TrainingConfiguration(**{**by_heart, **whole, **choices})

    return make
