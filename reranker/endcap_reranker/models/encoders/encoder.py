"""What a history encoder is: events in, a shopper's state out, once in torch, once in numpy."""

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class History(NamedTuple):
    """The known events of one shopper, oldest first, k >= 1."""

    vectors: Floats  # (k, d) of the items
    weights: Floats  # (k,) of the actions


class Events(NamedTuple):
    """A batch of b shoppers in training, oldest events first, padded behind the last."""

    vectors: "Tensor"  # (b, l, d) of the items
    weights: "Tensor"  # (b, l) of the actions; 0 where there is no event
    users: "Tensor"  # (b,) codes
    dropout: float  # 0 when not training


class Encoder(Protocol):
    """One way to make a state (d,) of a history. An encoder is its formula; the numbers that it
    learns are passed to it.
    """

    reads_history: bool  # else its states are the same whatever the events: all can be targets

    def __init__(self, configuration: ModelConfiguration) -> None: ...

    def initialise(self, random: np.random.Generator, users: int) -> Parameters:
        """What training starts from."""
        ...

    def measure(self, vectors: Floats) -> Parameters:
        """What serving needs of the training items' vectors (m, d) beside what was learnt."""
        return {}

    def states(self, parameters: "Mapping[str, Tensor]", events: Events) -> "Tensor":
        """(b, l, d) after each event; torch."""
        ...

    def state(self, parameters: Parameters, history: History) -> Floats:
        """(d,) after the last event; numpy, for serving."""
        ...


@runtime_checkable
class Recurrent(Protocol):
    """An encoder that goes by steps: one more event costs the same whatever came before."""

    def start(self) -> Floats:
        """(d,) the hidden state before any event."""
        ...

    def step(self, parameters: Parameters, hidden: Floats, vector: Floats) -> Floats:
        """(d,) the hidden state after one more event."""
        ...

    def read(self, parameters: Parameters, hidden: Floats) -> Floats:
        """(d,) the shopper's state in the hidden one."""
        ...
