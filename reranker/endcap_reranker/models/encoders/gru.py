"""A gated recurrent unit: one step per event."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders.encoder import Encoder, Events, History
from endcap_reranker.models.parameters import Parameters, draw, zeros

if TYPE_CHECKING:
    from torch import Tensor


class GRU(Encoder):
    """`r, z = σ(W v + b + U h + c)`, `n = tanh(W v + b + r · (U h + c))`, `h' = (1 - z) n + z h`.

    GRU4Rec (Hidasi et al., ICLR 2016), whose item embeddings are those that are scored; the gates
    as torch has them, in the order r, z, n. The state is `h' · P + p`, so that scores are not
    bounded as h' is. A new event costs one step, whatever came before.
    """

    reads_history = True

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension

    def initialise(self, random: np.random.Generator, users: int) -> Parameters:
        d = self.dimension
        return {
            "input": draw(random, 3 * d, d),
            "recurrent": draw(random, 3 * d, d),
            "input_bias": zeros(3 * d),
            "recurrent_bias": zeros(3 * d),
            "projection": draw(random, d, d),
            "bias": zeros(d),
        }

    def states(self, parameters: "Mapping[str, Tensor]", events: Events) -> "Tensor":
        import torch

        vectors = torch.nn.functional.dropout(events.vectors, events.dropout)
        names = ("input", "recurrent", "input_bias", "recurrent_bias")
        start = vectors.new_zeros(1, len(vectors), self.dimension)
        hidden, _ = torch.gru(
            vectors,
            start,
            [parameters[name] for name in names],
            has_biases=True,
            num_layers=1,
            dropout=0.0,
            train=True,  # cuDNN goes back through nothing else
            bidirectional=False,
            batch_first=True,
        )
        hidden = torch.nn.functional.dropout(hidden, events.dropout)
        return hidden @ parameters["projection"] + parameters["bias"]

    def state(self, parameters: Parameters, history: History) -> Floats:
        hidden = self.start()
        inputs = history.vectors @ parameters["input"].T + parameters["input_bias"]
        for each in inputs:
            hidden = self._step(parameters, hidden, each)
        return self.read(parameters, hidden)

    def start(self) -> Floats:
        """(d,) the hidden state before any event."""
        return zeros(self.dimension)

    def step(self, parameters: Parameters, hidden: Floats, vector: Floats) -> Floats:
        """(d,) the hidden state after one more event."""
        return self._step(
            parameters, hidden, parameters["input"] @ vector + parameters["input_bias"]
        )

    def read(self, parameters: Parameters, hidden: Floats) -> Floats:
        """(d,) the shopper's state in the hidden one."""
        state: Floats = hidden @ parameters["projection"] + parameters["bias"]
        return state

    def _step(self, parameters: Parameters, hidden: Floats, inputs: Floats) -> Floats:
        """In place, since the allocations of so short arrays cost as much as the sums."""
        d = self.dimension
        recurrent = parameters["recurrent"] @ hidden
        recurrent += parameters["recurrent_bias"]
        gates = inputs[: 2 * d] + recurrent[: 2 * d]
        np.exp(np.negative(gates, gates), gates)
        gates += 1
        np.reciprocal(gates, gates)
        fresh = recurrent[2 * d :]
        fresh *= gates[:d]
        fresh += inputs[2 * d :]
        np.tanh(fresh, fresh)
        after: Floats = hidden - fresh
        after *= gates[d:]
        after += fresh
        return after
