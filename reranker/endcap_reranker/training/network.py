"""A model while it is trained: its parts on tensors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.exceptions import ModelError
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders import Events
from endcap_reranker.models.items import Content
from endcap_reranker.models.parameters import Parameters, part
from endcap_reranker.models.parts import Parts
from endcap_reranker.ranking import Cases
from endcap_reranker.training.batches import Batch, cut, last_events, pad

if TYPE_CHECKING:
    from torch import Tensor

DEVICES = ("auto", "cpu", "cuda")
EVENTS = 8192  # of a batch of which nothing is learnt
FLOATS = 2_000_000  # of one block of scores: 8 MB, which stays near the processor


class Network:
    """parameters: what is learnt. content: of all training items, standardised."""

    def __init__(
        self,
        configuration: ModelConfiguration,
        parameters: Parameters,
        content: Content,
        device: str,
    ) -> None:
        import torch

        self.parts = Parts.of(configuration)
        self.length = configuration.history_length
        self.device = device
        self.parameters: Mapping[str, Tensor] = {
            name: torch.tensor(values, device=device, requires_grad=True)
            for name, values in parameters.items()
        }
        self.content = tuple(torch.tensor(array, device=device) for array in content)
        self.reads_content = any(array.shape[1] for array in content)
        self.first_target = 1 if self.parts.encoder.reads_history else 0
        self.n_items = len(parameters["items.id"])

    def vectors(self, codes: "Tensor", id_dropout: float = 0.0) -> "Tensor":
        """(n, d) of training items."""
        parameters = part(self.parameters, "items")
        return self.parts.items.batch_vectors(parameters, codes, self.content, id_dropout)

    def all_vectors(self, id_dropout: float = 0.0) -> "Tensor":
        """(m, d)"""
        import torch

        return self.vectors(torch.arange(self.n_items, device=self.device), id_dropout)

    def states(self, vectors: "Tensor", batch: Batch, dropout: float = 0.0) -> "Tensor":
        """(b, l, d) after each event; vectors: (b, l, d) of the events."""
        import torch

        events = Events(
            vectors,
            torch.from_numpy(batch.weights).to(self.device),
            torch.from_numpy(batch.users).to(self.device),
            dropout,
        )
        return self.parts.encoder.states(part(self.parameters, "encoder"), events)

    def scores(self, states: "Tensor", vectors: "Tensor") -> "Tensor":
        """(n, k)"""
        interaction = part(self.parameters, "interaction")
        return self.parts.interaction.scores(interaction, states, vectors)

    def states_at_once(self, items: int) -> int:
        """How many states to score so many items for: what that takes stays near the processor."""
        return max(1, FLOATS // max(1, items * self.parts.interaction.floats_per_pair))

    def pairs(self, states: "Tensor", vectors: "Tensor") -> "Tensor":
        """(n,)"""
        interaction = part(self.parameters, "interaction")
        return self.parts.interaction.pairs(interaction, states, vectors)

    def last_states(self, cases: Cases, vectors: "Tensor") -> "Tensor":
        """(n, d) after the history of each case, which has an event; vectors: of all items."""
        import torch

        recent = last_events(cases.histories, self.length)
        lengths = np.diff(recent.indptr)
        order = np.argsort(lengths, kind="stable")
        states = torch.empty(len(cases), vectors.shape[1], device=self.device)
        for chosen in cut(order, lengths[order], EVENTS):
            batch = pad(recent, chosen)
            after = self.states(
                vectors[torch.from_numpy(batch.items).to(self.device)],
                batch._replace(users=cases.users[chosen]),
            )
            last = torch.from_numpy(lengths[chosen] - 1).to(self.device)
            states[torch.from_numpy(chosen)] = after[torch.arange(len(chosen)), last].float()
        return states

    def set(self, parameters: Parameters) -> None:
        """The opposite of `learnt`."""
        import torch

        with torch.no_grad():
            for name, tensor in self.parameters.items():
                tensor.copy_(torch.tensor(parameters[name]))

    def learnt(self) -> dict[str, Floats]:
        """A copy of the parameters as arrays."""
        return {
            name: tensor.detach().cpu().numpy().copy() for name, tensor in self.parameters.items()
        }


def choose_device(wanted: str) -> str:
    """ "auto" is a GPU where there is one; raises ModelError for a device that there is not."""
    import torch

    if wanted not in DEVICES:
        raise ModelError(f"there is no device {wanted!r}; it takes {', '.join(DEVICES)}")
    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise ModelError("device 'cuda': torch finds no GPU here; write cpu or auto")
    return "cuda" if has_gpu and wanted != "cpu" else "cpu"
