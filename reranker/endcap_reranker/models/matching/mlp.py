"""A multi-layer perceptron over state and item."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.matching.interaction import Interaction
from endcap_reranker.models.parameters import Parameters, draw, zeros

if TYPE_CHECKING:
    from torch import Tensor


class MLP(Interaction):
    """`o · relu(S s + V v + M (s * v) + b)`: one hidden layer over [s; v; s * v].

    Neural collaborative filtering (He et al., WWW 2017) with its element-wise product inside. The
    parts of s and of v are computed once for each and not for each pair.
    """

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension
        self.hidden = configuration.hidden
        self.floats_per_pair = self.dimension + 2 * self.hidden

    def initialise(self, random: np.random.Generator) -> Parameters:
        d, hidden = self.dimension, self.hidden
        return {
            "state": draw(random, d, hidden),
            "item": draw(random, d, hidden),
            "product": draw(random, d, hidden),
            "bias": zeros(hidden),
            "output": draw(random, hidden, 1),
        }

    def scores(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        inner = (states[:, None, :] * vectors) @ parameters["product"]
        inner = inner + (states @ parameters["state"])[:, None, :]
        inner = inner + (vectors @ parameters["item"] + parameters["bias"])
        return (inner.relu() @ parameters["output"]).squeeze(-1)

    def pairs(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        inner = states @ parameters["state"] + vectors @ parameters["item"]
        inner = inner + (states * vectors) @ parameters["product"] + parameters["bias"]
        return (inner.relu() @ parameters["output"]).squeeze(-1)

    def score(self, parameters: Parameters, state: Floats, vectors: Floats) -> Floats:
        # (s * v) M = v (diag(s) M): one product with the items instead of two.
        mixed = parameters["item"] + state[:, np.newaxis] * parameters["product"]
        inner = vectors @ mixed + (state @ parameters["state"] + parameters["bias"])
        scores: Floats = np.maximum(inner, 0, out=inner) @ parameters["output"][:, 0]
        return scores
