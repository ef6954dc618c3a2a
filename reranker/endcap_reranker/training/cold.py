"""Cold products on the scale of warm ones: fitted on items that are known both ways."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Floats
from endcap_reranker.models import ColdCalibration, ModelConfiguration
from endcap_reranker.models.items import Content, ItemSide
from endcap_reranker.models.parameters import Parameters, part

Mask = NDArray[np.bool_]

SHARES = (1.0, 0.95, 0.9, 0.85, 0.8)  # of the matched spread
MOST_LOST = 0.01  # of the warm items' NDCG@10
TREATED_AS_COLD = 0.1  # of the items, to see what that costs the others


class BothWays(NamedTuple):
    """The training items (m, d) with their ID embeddings, and by content alone, nan without any."""

    warm: Floats
    cold: Floats

    @classmethod
    def of(
        cls, configuration: ModelConfiguration, parameters: Parameters, content: Content
    ) -> "BothWays":
        items = part(parameters, "items")
        cold = ItemSide(configuration).content_vectors(items, content)
        return cls(np.nan_to_num(cold) + items["id"], cold)

    def match(self, states: Floats) -> ColdCalibration:
        """For each state (n, d) the cold scores get the mean of the warm ones, and over all states
        together their spread.

        Scores of items with mean μ and covariance C have mean s·μ and variance sᵀ C s.
        """
        known = np.isfinite(self.cold[:, 0])
        if not known.any():
            return ColdCalibration.none(self.warm.shape[1])
        warm_mean, cold_mean = self.warm[known].mean(axis=0), self.cold[known].mean(axis=0)
        wanted = _variance(self.warm[known] - warm_mean, states)
        found = _variance(self.cold[known] - cold_mean, states)
        spread = float(np.sqrt(wanted / found)) if found > 0 else 1.0
        return ColdCalibration(cold_mean, warm_mean, spread)

    def affordable(self, matched: ColdCalibration, ndcg: Callable[[Floats, Mask], float]) -> float:
        """The largest share of the matched spread that costs warm items at most MOST_LOST.

        The content of an item says less than its ID embedding, so the best cold scores are too good
        by chance more often than the best warm ones: with all of the spread they may push warm
        items out. A part of the items is treated as cold, and the others are asked for. ndcg: of
        candidates (m, d), over the questions whose right item is asked (m,) for.
        """
        known = np.isfinite(self.cold[:, 0])
        treated: Mask = known & (np.random.default_rng(0).random(len(known)) < TREATED_AS_COLD)
        if not treated.any():
            return 1.0
        plain = np.where(treated[:, np.newaxis], self.cold, self.warm)
        least = (1 - MOST_LOST) * ndcg(plain, ~treated)
        for share in SHARES:
            calibration = matched._replace(spread=share * matched.spread)
            candidates = np.where(treated[:, np.newaxis], calibration(self.cold), self.warm)
            if ndcg(candidates, ~treated) >= least:
                return share
        return SHARES[-1]


def _variance(centred: Floats, states: Floats) -> float:
    covariance = centred.T @ centred / len(centred)
    return float(np.einsum("nd,de,ne->", states, covariance, states) / max(len(states), 1))
