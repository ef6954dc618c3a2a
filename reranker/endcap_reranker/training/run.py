"""Epochs until the validation gets no better."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Floats
from endcap_reranker.interactions import Histories
from endcap_reranker.models.parameters import part, under
from endcap_reranker.ranking import NDCG, Cases, average, rank_cases
from endcap_reranker.training.batches import draw_batches, last_events, pad
from endcap_reranker.training.checkpoints import Checkpoint
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.learning import Learner
from endcap_reranker.training.network import Network

if TYPE_CHECKING:
    from torch import Tensor


class Progress(NamedTuple):
    """Where a training stands."""

    epoch: int  # from 1
    epochs: int  # at most
    batch: int  # of the epoch, that is learnt
    batches: int
    loss: float  # mean of the epoch so far
    best: float  # validation NDCG@10 so far; -1 before the first
    refit: bool  # anew on all events


OnProgress = Callable[[Progress], None]
OnEpoch = Callable[["Run"], None]
Epoch = dict[str, float]


class Run:
    """A training as it goes. Each epoch draws from a seed of its own, so that one that was stopped
    and goes on learns what it would have learnt.
    """

    def __init__(
        self,
        learner: Learner,
        histories: Histories,
        validation: Cases,
        configuration: TrainingConfiguration,
    ) -> None:
        self.learner = learner
        self.network: Network = learner.network
        self.first = self.network.first_target
        self.histories = last_events(histories, self.network.length + self.first)
        self.validation = validation.some(configuration.validation_users, configuration.seed)
        self.configuration = configuration
        self.epochs: list[Epoch] = []
        self.best = self.network.learnt()
        self.best_ndcg = -1.0  # before any
        self.ndcg_before: float | None = None
        self.late = 0  # epochs since the best one

    def go(self, on_progress: OnProgress, on_epoch: OnEpoch) -> None:
        """Until `patience` epochs brought nothing, or there were as many as there may be."""
        while (
            len(self.epochs) < self.configuration.epochs and self.late < self.configuration.patience
        ):
            started = time.perf_counter()
            loss = self._learn(self.configuration.epochs, on_progress)
            with self.learner.averaged():
                ranked = self.rank()
                self._judge(ranked[NDCG])
            self._note(loss, started, **ranked)
            on_epoch(self)

    def go_for(self, epochs: int, on_progress: OnProgress, on_epoch: OnEpoch) -> None:
        """So many epochs; what is learnt after the last one is what counts."""
        while len(self.epochs) < epochs:
            started = time.perf_counter()
            self._note(self._learn(epochs, on_progress, refit=True), started)
            on_epoch(self)
        with self.learner.averaged():
            self.best = self.network.learnt()

    @property
    def best_epoch(self) -> int:
        """From 1; 0 where what was known before is the best."""
        return len(self.epochs) - self.late

    def start_from_here(self) -> None:
        """What the network knows already is what an epoch must beat."""
        self._judge(self.rank()[NDCG])
        self.ndcg_before = self.best_ndcg

    def rank(self) -> dict[str, float]:
        """Of the validation, as the network is; full ranking."""
        return average(rank_cases(self.validation, self.network.n_items, self._scores()))

    def _note(self, loss: float, started: float, **ranked: float) -> None:
        seconds = time.perf_counter() - started
        self.epochs.append({"loss": loss, **ranked, "seconds": seconds})

    def _judge(self, ndcg: float) -> None:
        if self.best_ndcg >= ndcg:
            self.late += 1
            return
        self.best_ndcg, self.late = ndcg, 0
        self.best = self.network.learnt()

    def _learn(self, epochs: int, on_progress: OnProgress, *, refit: bool = False) -> float:
        """The mean loss of one pass over everybody's events."""
        import torch

        epoch = len(self.epochs)
        random = np.random.default_rng([self.configuration.seed, epoch])
        events = self.configuration.batch_events
        batches = draw_batches(self.histories, 1 + self.first, events, random)
        loss, positions = 0.0, 0
        with torch.random.fork_rng():
            torch.manual_seed(int(random.integers(2**63)))
            for number, users in enumerate(batches, 1):
                learnt = self.learner.learn(pad(self.histories, users), random)
                loss, positions = loss + learnt.loss, positions + learnt.positions
                mean = loss / positions
                at = (epoch + 1, epochs, number, len(batches))
                on_progress(Progress(*at, mean, self.best_ndcg, refit))
        return loss / max(positions, 1)

    def last_states(self) -> Floats:
        """(n, d) of the validation's histories, as the network is now."""
        import torch

        with torch.no_grad():
            states = self.network.last_states(self.validation, self.network.all_vectors())
        last: Floats = states.cpu().numpy()
        return last

    def ndcg_of(self, candidates: Floats, asked: NDArray[np.bool_]) -> float:
        """Of the validation's questions for the `asked` items (m,), were these (m, d) the items
        that are ranked; the histories stay.
        """
        questions = self.validation.of(np.flatnonzero(asked[self.validation.targets]))
        ranks = rank_cases(questions, self.network.n_items, self._scores(candidates))
        return average(ranks)[NDCG]

    def _scores(self, candidates: Floats | None = None) -> Callable[[Cases], Floats]:
        import torch

        with torch.no_grad():
            vectors: Tensor = self.network.all_vectors()
        ranked = vectors if candidates is None else torch.from_numpy(candidates).to(vectors)
        step = self.network.states_at_once(len(ranked))

        def score(some: Cases) -> Floats:
            with torch.no_grad():
                states = self.network.last_states(some, vectors).split(step)
                blocks = [self.network.scores(block, ranked).float().cpu() for block in states]
            return np.concatenate([block.numpy() for block in blocks])

        return score

    def checkpoint(self, made_of: dict[str, Any]) -> Checkpoint:
        """After a whole epoch. made_of: what `require_same` compares."""
        tensors: dict[str, NDArray[Any]] = {
            **under("now", self.network.learnt()),
            **under("best", self.best),
            **under("optimizer", self.learner.state()),
        }
        epochs = [dict(epoch) for epoch in self.epochs]
        record = {"epochs": epochs, "best_ndcg": self.best_ndcg, "late": self.late, **made_of}
        return Checkpoint(tensors, record)

    def restore(self, checkpoint: Checkpoint) -> None:
        """As it was then."""
        tensors, record = checkpoint
        self.network.set(part(tensors, "now"))
        self.learner.set_state(part(tensors, "optimizer"))
        self.best = part(tensors, "best")
        self.epochs = [dict(epoch) for epoch in record["epochs"]]
        self.best_ndcg, self.late = record["best_ndcg"], record["late"]
