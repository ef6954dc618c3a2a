"""The mean of what was chosen, what is recent counting more."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders.encoder import Encoder, Events, History
from endcap_reranker.models.parameters import Parameters, draw, zeros

if TYPE_CHECKING:
    from torch import Tensor


class Mean(Encoder):
    """`s_t = A · sum(w_j γ^(t-j) v_j) / sum(w_j γ^(t-j)) + b` over the events j <= t.

    The average of embeddings of YouTube's recommender (Covington, Adams and Sargin, RecSys 2016)
    with a decay γ = sigmoid(decay) that is learnt.
    """

    reads_history = True

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension

    def initialise(self, random: np.random.Generator, users: int) -> Parameters:
        return {
            "decay": np.array([2.0], np.float32),
            "weight": np.eye(self.dimension, dtype=np.float32)
            + draw(random, self.dimension, self.dimension, deviation=0.02),
            "bias": zeros(self.dimension),
        }

    def states(self, parameters: "Mapping[str, Tensor]", events: Events) -> "Tensor":
        import torch

        steps = torch.arange(events.vectors.shape[1], device=events.vectors.device)
        ages = steps[:, None] - steps
        decay = torch.nn.functional.logsigmoid(parameters["decay"])
        felt = torch.exp(decay * ages.clamp(min=0)) * (ages >= 0)
        strengths = felt * events.weights[:, None, :]
        strengths = strengths / strengths.sum(-1, keepdim=True).clamp(min=1e-12)
        means = torch.nn.functional.dropout(strengths @ events.vectors, events.dropout)
        return means @ parameters["weight"] + parameters["bias"]

    def state(self, parameters: Parameters, history: History) -> Floats:
        decay = np.float32(1) / (np.float32(1) + np.exp(-parameters["decay"]))
        ages = np.arange(len(history.weights), dtype=np.float32)[::-1]
        strengths = decay**ages * history.weights
        mean = strengths @ history.vectors / np.maximum(strengths.sum(), np.float32(1e-12))
        state: Floats = mean @ parameters["weight"] + parameters["bias"]
        return state
