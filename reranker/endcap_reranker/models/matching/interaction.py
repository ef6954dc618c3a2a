"""What an interaction is: states and item vectors in, scores out, once in torch, once in numpy."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Interaction(Protocol):
    """One way to score an item for a state; as with an encoder, its parameters are passed to it."""

    floats_per_pair: int  # that `scores` holds at once

    def __init__(self, configuration: ModelConfiguration) -> None: ...

    def initialise(self, random: np.random.Generator) -> Parameters:
        """What training starts from."""
        ...

    def scores(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        """(n, k) of each state (n, d) with each item (k, d); torch."""
        ...

    def pairs(
        self, parameters: "Mapping[str, Tensor]", states: "Tensor", vectors: "Tensor"
    ) -> "Tensor":
        """(n,) of each state (n, d) with its own item (n, d); torch."""
        ...

    def score(self, parameters: Parameters, state: Floats, vectors: Floats) -> Floats:
        """(n,) of one state (d,) with each item (n, d); numpy, for serving."""
        ...
