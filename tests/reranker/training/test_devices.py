"""What a GPU does otherwise, as far as it can be seen without one."""

from functools import partial

import numpy as np
import pytest
import torch

from endcap_reranker import ModelError
from endcap_reranker.training import train
from endcap_reranker.training.network import choose_device

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("encoder", ["mean", "gru", "attention"])
def test_mixed_precision_learns_the_same(
    ring, make_configuration, make_training, monkeypatch, encoder
):
    """A GPU computes in bfloat16; here the processor is made to."""
    halved = partial(torch.autocast, enabled=True)
    monkeypatch.setattr(torch, "autocast", lambda *arguments, enabled: halved(*arguments))
    configuration = make_configuration(encoder, loss="sampled-softmax")
    model, record = train(ring, configuration, make_training())
    assert record["validation"]["ndcg@10"] == 1
    assert {array.dtype for array in model.parameters.values()} == {np.dtype(np.float32)}


def test_cudnn_can_go_back_through_the_gru(ring, make_configuration, make_training, monkeypatch):
    """It refuses to where the forward pass was not of a training; a processor does not care."""
    plain, said = torch.gru, []

    def gru(*arguments, train, **options):
        said.append(train)
        return plain(*arguments, train=train, **options)

    monkeypatch.setattr(torch, "gru", gru)
    train(ring, make_configuration("gru"), make_training(epochs=1))
    assert said and all(said)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("gpu", "no device 'gpu'; it takes auto, cpu, cuda"),
        ("cuda", "finds no GPU here; write cpu"),
    ],
)
def test_a_device_that_there_is_not_is_named(monkeypatch, device, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match=said):
        choose_device(device)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
