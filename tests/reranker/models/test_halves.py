"""What is trained is what is served: the torch half of every part against its numpy half."""

import numpy as np
import pytest
import torch

from endcap_reranker.models.encoders import Events
from endcap_reranker.models.items import Content
from endcap_reranker.models.parameters import part
from endcap_reranker.models.parts import Parts

pytestmark = pytest.mark.torch


def tensors(parameters, name, dtype=None):
    return {
        key: torch.tensor(values, dtype=dtype, requires_grad=dtype is not None)
        for key, values in part(parameters, name).items()
    }


def padded(histories, weights):
    """(b, l, d) and (b, l), oldest first, padded with what would be noticed."""
    longest = max(map(len, histories))
    vectors = np.full((len(histories), longest, histories[0].shape[1]), 9.0, np.float32)
    felt = np.zeros((len(histories), longest), np.float32)
    for row, (history, weight) in enumerate(zip(histories, weights, strict=True)):
        vectors[row, : len(history)] = history
        felt[row, : len(history)] = weight
    return torch.tensor(vectors), torch.tensor(felt)


@pytest.mark.parametrize("encoder", ["mean", "gru", "attention"])
def test_the_state_after_every_event(make_model, encoder):
    model = make_model(encoder)
    random = np.random.default_rng(0)
    histories = [random.standard_normal((n, 8)).astype(np.float32) for n in (7, 1, 4)]
    weights = [random.choice([1.0, 2.0], len(one)).astype(np.float32) for one in histories]
    vectors, felt = padded(histories, weights)
    events = Events(vectors, felt, torch.arange(3), dropout=0.0)
    half = Parts.of(model.configuration).encoder
    states = half.states(tensors(model.parameters, "encoder"), events).numpy()
    for row, (history, weight) in enumerate(zip(histories, weights, strict=True)):
        for n in range(1, len(history) + 1):
            served = model.shopper_state(history[:n][::-1], weight[:n][::-1])
            np.testing.assert_allclose(states[row, n - 1], served, atol=1e-5)


def test_the_scores(make_model, interaction):
    model = make_model(interaction=interaction)
    random = np.random.default_rng(0)
    states, vectors = random.standard_normal((2, 5, 8)).astype(np.float32)
    half = Parts.of(model.configuration).interaction
    parameters = tensors(model.parameters, "interaction")
    found = half.scores(parameters, torch.tensor(states), torch.tensor(vectors)).numpy()
    expected = [model.score(state, vectors) for state in states]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    own = half.pairs(parameters, torch.tensor(states), torch.tensor(vectors)).numpy()
    np.testing.assert_allclose(own, np.diag(expected), atol=1e-5)


def test_the_item_vectors(make_model, make_content):
    model = make_model()
    items, content = Parts.of(model.configuration).items, Content(*make_content(6))
    scaled = items.standardise(part(model.parameters, "items"), content)
    codes = torch.tensor([4, 0, 4])
    parameters = tensors(model.parameters, "items")
    content = tuple(torch.tensor(array) for array in scaled)
    found = items.batch_vectors(parameters, codes, content, 0.0).numpy()
    served = model.item_vectors([f"i{number}" for number in range(6)], *make_content(6))
    np.testing.assert_allclose(found, served[[4, 0, 4]], atol=1e-5)


@pytest.mark.parametrize("encoder", ["user", "mean", "gru", "attention"])
def test_the_gradient_of_an_encoder(make_model, encoder):
    model = make_model(encoder, dimension=4, heads=2)
    parameters = tensors(model.parameters, "encoder", torch.float64)
    if encoder == "user":
        parameters = {"users": torch.randn(2, 4, dtype=torch.float64, requires_grad=True)}
    half = Parts.of(model.configuration).encoder
    vectors = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[1, 2, 1], [1, 1, 0]], dtype=torch.float64)

    def states(vectors, *values):
        events = Events(vectors, weights, torch.arange(2), dropout=0.0)
        return half.states(dict(zip(parameters, values, strict=True)), events)

    assert torch.autograd.gradcheck(states, (vectors, *parameters.values()))


def test_the_gradient_of_an_interaction(make_model, interaction):
    model = make_model(interaction=interaction)
    parameters = tensors(model.parameters, "interaction", torch.float64)
    half = Parts.of(model.configuration).interaction
    states, vectors = torch.randn(2, 3, 8, dtype=torch.float64, requires_grad=True)

    for formula in (half.scores, half.pairs):

        def scores(states, vectors, *values, formula=formula):
            return formula(dict(zip(parameters, values, strict=True)), states, vectors)

        assert torch.autograd.gradcheck(scores, (states, vectors, *parameters.values()))


def test_the_gradient_of_the_item_side(make_model, make_content):
    model = make_model()
    items = Parts.of(model.configuration).items
    learnt = {
        name: tensor
        for name, tensor in tensors(model.parameters, "items", torch.float64).items()
        if name in ("id", "text", "attributes")
    }
    content = tuple(torch.tensor(array, dtype=torch.float64) for array in make_content(6))

    def vectors(*values):
        parameters = dict(zip(learnt, values, strict=True))
        return items.batch_vectors(parameters, torch.tensor([4, 0, 4]), content, 0.0)

    assert torch.autograd.gradcheck(vectors, tuple(learnt.values()))
