"""What is learnt of one batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Floats
from endcap_reranker.choices import choose
from endcap_reranker.training.batches import Batch
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.losses import LOSSES
from endcap_reranker.training.network import Network
from endcap_reranker.training.sampling import Negatives, NegativeSampler

if TYPE_CHECKING:
    from torch import Tensor


class Learnt(NamedTuple):
    loss: float  # the sum over the positions
    positions: int


class Learner:
    """The optimiser of a network: Adam (Kingma and Ba, ICLR 2015), decoupled weight decay.

    What counts is the decaying mean of the parameters over the steps (Polyak and Juditsky, SIAM
    1992): it is ahead of where the last steps happened to lead. Over the first steps the mean is
    short: its decay is at most `(1 + steps) / (10 + steps)`.
    """

    def __init__(
        self,
        network: Network,
        loss: str,
        sampler: NegativeSampler,
        configuration: TrainingConfiguration,
    ) -> None:
        import torch

        self.network = network
        self.loss = choose("loss", LOSSES, loss)()
        self.sampler = sampler
        self.configuration = configuration
        self.optimizer = torch.optim.AdamW(
            list(network.parameters.values()),
            configuration.learning_rate,
            weight_decay=configuration.weight_decay,
        )
        self.steps = 0
        self.mean = {name: value.detach().clone() for name, value in network.parameters.items()}

    def learn(self, batch: Batch, random: np.random.Generator) -> Learnt:
        """One step down the mean loss of the batch's positions."""
        import torch

        first = self.network.first_target
        targets = batch.items[:, first:][batch.present[:, first:]]
        if not self.loss.samples:
            codes, places = None, (batch.items, targets, np.empty(0, np.int64))
            negatives = None
        else:
            negatives = self.sampler.draw(self.configuration.negatives, random)
            codes, places = _needed(batch.items, targets, negatives.items)
        self.optimizer.zero_grad(set_to_none=True)
        device = self.network.device
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            vectors = self._vectors(codes)
            states = self._states(batch, vectors, places[0], first)
            loss = self._descend(states, vectors, places[1], places[2], negatives)
        self.optimizer.step()
        self._average()
        return Learnt(loss, len(targets))

    def _average(self) -> None:
        import torch

        self.steps += 1
        decay = min(self.configuration.averaging, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, value in self.network.parameters.items():
                self.mean[name].lerp_(value, 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with the mean of its parameters; afterwards it is as it was."""
        now = self.network.learnt()
        self.network.set({name: value.cpu().numpy() for name, value in self.mean.items()})
        try:
            yield
        finally:
            self.network.set(now)

    def state(self) -> dict[str, Floats]:
        """The mean, and the optimiser's moments and steps, by parameter."""
        means = {f"{name}.mean": value.cpu().numpy().copy() for name, value in self.mean.items()}
        return means | {
            f"{name}.{kind}": value.cpu().numpy().copy()
            for name, tensor in self.network.parameters.items()
            for kind, value in self.optimizer.state[tensor].items()
        }

    def set_state(self, state: Mapping[str, Floats]) -> None:
        """The opposite of `state`."""
        import torch

        for name, tensor in self.network.parameters.items():
            for key, value in state.items():
                owner, _, kind = key.rpartition(".")
                if owner == name and kind == "mean":
                    self.mean[name].copy_(torch.tensor(value))
                elif owner == name:
                    device = "cpu" if kind == "step" else self.network.device
                    self.optimizer.state[tensor][kind] = torch.tensor(value, device=device)
                    self.steps = int(value) if kind == "step" else self.steps

    def _vectors(self, codes: NDArray[np.int64] | None) -> "Tensor":
        import torch

        dropout = self.configuration.id_dropout if self.network.reads_content else 0.0
        if codes is None:
            return self.network.all_vectors(dropout)
        return self.network.vectors(torch.from_numpy(codes).to(self.network.device), dropout)

    def _states(
        self, batch: Batch, vectors: "Tensor", places: NDArray[np.int64], first: int
    ) -> "Tensor":
        """(n, d) before each target."""
        import torch

        length = places.shape[1] - first
        events = vectors[torch.from_numpy(places[:, :length]).to(vectors.device)]
        before = batch._replace(weights=batch.weights[:, :length])
        states = self.network.states(events, before, self.configuration.dropout)
        return states[torch.from_numpy(batch.present[:, first:]).to(states.device)]

    def _descend(
        self,
        states: "Tensor",
        vectors: "Tensor",
        targets: NDArray[np.int64],
        drawn: NDArray[np.int64],
        negatives: Negatives | None,
    ) -> float:
        """Set the gradients of the mean loss, block by block of positions: the scores of all of
        them would not fit into memory. Returns the sum.
        """
        import torch

        ends = [tensor.detach().requires_grad_() for tensor in (states, vectors)]
        right = torch.from_numpy(targets).to(states.device)
        rivals = torch.from_numpy(drawn).to(states.device)
        step = self.network.states_at_once(len(drawn) if negatives else len(vectors))
        total = 0.0
        for start in range(0, len(states), step):
            block = slice(start, start + step)
            args = (ends[0][block], ends[1], right[block])
            loss = self._sampled(*args, rivals, negatives) if negatives else self._full(*args)
            total += float(loss.detach())
            (loss / len(states)).backward()
        torch.autograd.backward([states, vectors], [end.grad for end in ends])
        return total

    def _full(self, states: "Tensor", vectors: "Tensor", right: "Tensor") -> "Tensor":
        scores = self.network.scores(states, vectors)
        return self.loss(scores, right, scores.new_zeros(len(vectors)))

    def _sampled(
        self,
        states: "Tensor",
        vectors: "Tensor",
        right: "Tensor",
        rivals: "Tensor",
        negatives: Negatives,
    ) -> "Tensor":
        import torch

        own = self.network.pairs(states, vectors[right])
        others = self.network.scores(states, vectors[rivals])
        others = others.masked_fill(rivals == right[:, None], -torch.inf)
        expected = torch.from_numpy(negatives.log_expected).to(states.device)
        scores = torch.cat([own[:, None], others], dim=1)
        return self.loss(
            scores, torch.zeros_like(right), torch.cat([expected.new_zeros(1), expected])
        )


def _needed(
    items: NDArray[np.int64], targets: NDArray[np.int64], negatives: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """The codes (u,) of all of them, and their places among these."""
    parts = (items.ravel(), targets, negatives)
    codes, places = np.unique(np.concatenate(parts), return_inverse=True)
    events, right, drawn = np.split(places, np.cumsum([len(one) for one in parts])[:-1])
    return codes, (events.reshape(items.shape), right, drawn)
