"""What a training is to do, and the runs that do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from endcap_reranker.baselines import rank_baselines
from endcap_reranker.models import ModelConfiguration, UserItemModel
from endcap_reranker.models.parameters import Parameters, part
from endcap_reranker.models.parts import Parts
from endcap_reranker.training.cold import BothWays
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.growth import grow, user_rows
from endcap_reranker.training.learning import Learner
from endcap_reranker.training.network import Network, choose_device
from endcap_reranker.training.preparation import Material, Prepared
from endcap_reranker.training.run import Run
from endcap_reranker.training.sampling import NegativeSampler


@dataclass(frozen=True)
class Plan:
    """before: the model that is trained further, if any."""

    configuration: ModelConfiguration
    training: TrainingConfiguration
    material: Material
    before: UserItemModel | None = None

    def start(self, prepared: Prepared) -> Parameters:
        """What is learnt, as it is before any event, and what brings content to one scale."""
        parts, interactions = Parts.of(self.configuration), prepared.interactions
        random = np.random.default_rng(self.training.seed)
        fresh = parts.initialise(random, len(interactions.item_ids), interactions.n_users)
        standards = parts.standards(prepared.content)
        if self.before is None:
            return {**fresh, **standards}
        kept = {name: self.before.parameters[name] for name in standards}
        return {**grow(self.before, fresh, interactions), **kept}

    def open(self, prepared: Prepared) -> tuple[Run, Prepared]:
        """A run from the start, on this."""
        interactions, start = prepared.interactions, self.start(prepared)
        parts = Parts.of(self.configuration)
        content = parts.items.standardise(part(start, "items"), prepared.content)
        learnt = {name: start[name] for name in start.keys() - parts.standards(prepared.content)}
        device = choose_device(self.training.device)
        network = Network(self.configuration, learnt, content, device)
        sampler = NegativeSampler(
            interactions.items, len(interactions.item_ids), self.training.popularity_exponent
        )
        learner = Learner(network, self.configuration.loss, sampler, self.training)
        run = Run(learner, interactions.histories(), prepared.validation, self.training)
        return run, prepared

    def judge(self, run: Run, prepared: Prepared, baselines: Sequence[str]) -> dict[str, Any]:
        """How the best epoch ranks the validation, beside the baselines on the same questions."""
        run.network.set(run.best)
        interactions, text = prepared.interactions, prepared.content.text
        both = BothWays.of(self.configuration, self._learnt(run, prepared), prepared.content)
        return {
            "epochs": run.epochs,
            "best_epoch": run.best_epoch,
            "ndcg_before": run.ndcg_before,
            "validation": {"cases": len(run.validation), **run.rank()},
            "baselines": rank_baselines(baselines, interactions, text, run.validation),
            "cold_spread": both.affordable(both.match(run.last_states()), run.ndcg_of),
        }

    def count(self, run: Run, prepared: Prepared) -> dict[str, Any]:
        """What was learnt of how much, on what."""
        interactions = prepared.interactions
        known = 0 if self.before is None else len(self.before.item_ids)
        return {
            "device": run.network.device,
            "items": len(interactions.item_ids),
            "new_items": len(interactions.item_ids) - known,
            "users": len(np.unique(interactions.users)),
            "learnt_events": len(interactions),
            "parameters": sum(array.size for array in run.best.values()),
        }

    def model(self, run: Run, prepared: Prepared, cold_spread: float) -> UserItemModel:
        """As it is served: the best epoch's, cold products having this share of the warm spread."""
        run.network.set(run.best)
        learnt = self._learnt(run, prepared)
        keys, rows = user_rows(learnt, prepared.interactions, self.before)
        parts = Parts.of(self.configuration)
        parameters = parts.complete({**learnt, **rows}, prepared.content)
        both = BothWays.of(self.configuration, learnt, prepared.content)
        matched = both.match(run.last_states())
        calibration = matched._replace(spread=cold_spread * matched.spread)
        ids = prepared.interactions.item_ids
        return UserItemModel(self.configuration, ids, parameters, calibration, keys)

    def _learnt(self, run: Run, prepared: Prepared) -> Parameters:
        """The best epoch's, and what brings content to one scale."""
        return {**self.start(prepared), **run.best}
