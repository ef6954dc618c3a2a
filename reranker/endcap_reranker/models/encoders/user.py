"""A row for each shopper: matrix factorisation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders.encoder import Encoder, Events, History
from endcap_reranker.models.parameters import Parameters, draw

if TYPE_CHECKING:
    from torch import Tensor

UNOBSERVED = 0.1  # weight of the items that were not chosen, together
REGULARISATION = 0.01  # beside the mean squared length of an item


class UserEmbedding(Encoder):
    """`s_u` is learnt for each shopper (Koren, Bell and Volinsky, Computer 2009).

    A shopper who was not in training is folded in, in closed form, as implicit ALS does (Hu, Koren
    and Volinsky, ICDM 2008): the u that minimises `sum(w_j (1 - u·v_j)²) + uᵀ (α G + λ I) u`, G the
    mean of `v vᵀ` over the training's items.
    """

    reads_history = False

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension

    def initialise(self, random: np.random.Generator, users: int) -> Parameters:
        return {"users": draw(random, users, self.dimension, deviation=0.02)}

    def measure(self, vectors: Floats) -> Parameters:
        return {"gramian": vectors.T @ vectors / np.float32(max(len(vectors), 1))}

    def states(self, parameters: "Mapping[str, Tensor]", events: Events) -> "Tensor":
        import torch

        rows = torch.nn.functional.embedding(events.users, parameters["users"])
        rows = torch.nn.functional.dropout(rows, events.dropout)
        return rows[:, None, :].expand(-1, events.weights.shape[1], -1)

    def state(self, parameters: Parameters, history: History) -> Floats:
        weighted = history.vectors * history.weights[:, np.newaxis]
        whole = np.float32(history.weights.sum())
        ridge = np.float32(REGULARISATION) * np.trace(parameters["gramian"]) / self.dimension
        system = history.vectors.T @ weighted + whole * (
            np.float32(UNOBSERVED) * parameters["gramian"]
            + ridge * np.eye(self.dimension, dtype=np.float32)
        )
        state: Floats = np.linalg.solve(system, weighted.sum(axis=0))
        return state
