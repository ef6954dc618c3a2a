"""Self-attention over the events."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders.encoder import Encoder, Events, History
from endcap_reranker.models.parameters import Parameters, draw, ones, part, under, zeros

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6  # of layer normalisation
NEVER = -1e9


class SelfAttention(Encoder):
    """SASRec (Kang and McAuley, ICDM 2018), blocks before whose parts the layers are normalised:

    `x_t = v_t + P_t`; a block: `x += O · softmax(Q(x̂) K(x̂)ᵀ / sqrt(d / heads) + B) V(x̂)` over the
    events up to t, then `x += F · relu(E x̂)`, x̂ = LayerNorm(x); the state is LayerNorm(x_t).
    B_(t-j) is learnt by head and distance (T5, Raffel et al., JMLR 2020): what is recent counts in
    long histories as it does in short ones. P_t is learnt by place, the first event's being 0.
    """

    reads_history = True

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension
        self.length = configuration.history_length
        self.blocks = configuration.blocks
        self.heads = configuration.heads

    def initialise(self, random: np.random.Generator, users: int) -> Parameters:
        d = self.dimension
        parameters = {"places": draw(random, self.length, d, deviation=0.02)}
        for number in range(self.blocks):
            block = {name: draw(random, d, d) for name in ("query", "key", "value", "output")}
            block |= {"expand": draw(random, d, d), "reduce": draw(random, d, d)}
            block |= {"expand_bias": zeros(d), "reduce_bias": zeros(d)}
            block |= {"distances": zeros(self.heads, self.length)}
            for norm in ("attention", "feed"):
                block |= {f"{norm}_gain": ones(d), f"{norm}_shift": zeros(d)}
            parameters |= under(f"block{number}", block)
        return parameters | {"last_gain": ones(d), "last_shift": zeros(d)}

    def states(self, parameters: "Mapping[str, Tensor]", events: Events) -> "Tensor":
        import torch
        from torch.nn import functional

        length = events.vectors.shape[1]
        x = functional.dropout(events.vectors + parameters["places"][:length], events.dropout)
        steps = torch.arange(length, device=x.device)
        distances = steps[:, None] - steps
        for number in range(self.blocks):
            block = part(parameters, f"block{number}")
            bias = block["distances"][:, distances.clamp(min=0)]
            bias = bias.masked_fill(distances < 0, NEVER)
            normal = self._normalise(block, "attention", x)
            query, key, value = (
                (normal @ block[name]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
            felt = functional.dropout(logits.softmax(-1), events.dropout)
            mixed = (felt @ value).transpose(1, 2).flatten(-2) @ block["output"]
            x = x + functional.dropout(mixed, events.dropout)
            normal = self._normalise(block, "feed", x)
            inner = functional.relu(normal @ block["expand"] + block["expand_bias"])
            inner = functional.dropout(inner, events.dropout) @ block["reduce"]
            x = x + functional.dropout(inner + block["reduce_bias"], events.dropout)
        return self._normalise(parameters, "last", x)

    def _normalise(self, parameters: "Mapping[str, Tensor]", name: str, x: "Tensor") -> "Tensor":
        import torch

        gain, shift = parameters[f"{name}_gain"], parameters[f"{name}_shift"]
        return torch.nn.functional.layer_norm(x, (self.dimension,), gain, shift, EPSILON)

    def state(self, parameters: Parameters, history: History) -> Floats:
        """Of the last block only the last event's part is computed."""
        x = history.vectors + parameters["places"][: len(history.vectors)]
        for number in range(self.blocks):
            asking = 1 if number == self.blocks - 1 else len(x)
            x = self._block(part(parameters, f"block{number}"), x, asking)
        state: Floats = _normalised(parameters, "last", x)[-1]
        return state

    def _block(self, block: Parameters, x: Floats, asking: int) -> Floats:
        """(asking, d) after the block, of the last `asking` events."""
        normal = _normalised(block, "attention", x)
        width = self.dimension // self.heads
        query = (normal[-asking:] @ block["query"]).reshape(asking, self.heads, width)
        key, value = (
            (normal @ block[name]).reshape(len(x), self.heads, width) for name in ("key", "value")
        )
        steps = np.arange(len(x))
        distances = steps[-asking:, np.newaxis] - steps
        bias = np.where(distances < 0, np.float32(NEVER), block["distances"][:, distances])
        logits = query.transpose(1, 0, 2) @ key.transpose(1, 2, 0) / np.float32(width**0.5) + bias
        felt = np.exp(logits - logits.max(-1, keepdims=True))
        felt /= felt.sum(-1, keepdims=True)
        mixed = (felt @ value.transpose(1, 0, 2)).transpose(1, 0, 2).reshape(asking, -1)
        x = x[-asking:] + mixed @ block["output"]
        normal = _normalised(block, "feed", x)
        inner = np.maximum(normal @ block["expand"] + block["expand_bias"], 0)
        after: Floats = x + inner @ block["reduce"] + block["reduce_bias"]
        return after


def _normalised(parameters: Parameters, name: str, x: Floats) -> Floats:
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    gain, shift = parameters[f"{name}_gain"], parameters[f"{name}_shift"]
    normalised: Floats = centred / np.sqrt(variance + np.float32(EPSILON)) * gain + shift
    return normalised
