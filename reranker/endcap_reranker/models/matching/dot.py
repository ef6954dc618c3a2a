"""The dot product."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.matching.interaction import Interaction
from endcap_reranker.models.parameters import Parameters

if TYPE_CHECKING:
    from torch import Tensor


class Dot(Interaction):
    """`s · v`: tuned as carefully as an MLP it is the better one (Rendle et al., RecSys 2020)."""

    floats_per_pair = 1

    def __init__(self, configuration: ModelConfiguration) -> None: ...

    def initialise(self, random: np.random.Generator) -> Parameters:
        return {}

    def scores(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        return states @ vectors.T

    def pairs(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        return (states * vectors).sum(-1)

    def score(self, parameters: Parameters, state: Floats, vectors: Floats) -> Floats:
        scores: Floats = vectors @ state
        return scores
