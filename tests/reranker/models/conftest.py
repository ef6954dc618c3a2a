"""Small models of every combination, their numbers drawn and not trained."""

import numpy as np
import pytest
import torch

from endcap_reranker.models import ENCODERS, INTERACTIONS, ModelConfiguration, UserItemModel

ITEM_IDS = np.array([f"i{number}".encode() for number in range(6)])
SIZES = {"dimension": 8, "history_length": 7, "blocks": 2, "heads": 2, "hidden": 5}
CONTENT = {"text_dimension": 5, "attributes": ("price", "rating")}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Models this small gain nothing by a second one, which may wait for a core for minutes."""
    torch.set_num_threads(1)


def shake(model):
    """Every number away from where training starts: zeros hide what is missing."""
    random = np.random.default_rng(1)
    for name, values in model.parameters.items():
        if not name.endswith("deviation") and not name.endswith("deviations"):
            values += random.normal(0, 0.3, values.shape).astype(np.float32)
    return model


@pytest.fixture(scope="session")
def make_model():
    def make(encoder="mean", interaction="dot", **sizes):
        chosen = {**SIZES, **CONTENT, **sizes}
        configuration = ModelConfiguration(encoder=encoder, interaction=interaction, **chosen)
        return shake(UserItemModel.untrained(configuration, ITEM_IDS))

    return make


@pytest.fixture(params=ENCODERS)
def encoder(request):
    return request.param


@pytest.fixture(params=INTERACTIONS)
def interaction(request):
    return request.param


@pytest.fixture(scope="session")
def make_content():
    """(n, t) text vectors and (n, a) attributes of a seed."""

    def make(n, seed=0):
        random = np.random.default_rng(seed)
        return tuple(random.standard_normal((n, k)).astype(np.float32) for k in (5, 2))

    return make
