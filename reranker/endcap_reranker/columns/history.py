"""How alike it is to what the shopper looked at last."""

from dataclasses import dataclass

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.candidates import Candidates


@dataclass(frozen=True)
class HistoryColumn:
    """The weighted mean of the cosines to the last `length` products, `decay` per step back."""

    length: int = 10
    decay: float = 0.8
    name: str = "history"

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where a product's vector is unknown."""
        nothing = np.full(len(candidates), np.nan, np.float32)
        if candidates.shopper is None:
            return nothing
        known = ~np.isnan(candidates.shopper.vectors[:, 0])
        vectors = candidates.shopper.vectors[known][: self.length]
        weights = candidates.shopper.weights[known][: self.length]
        weights = weights * np.float32(self.decay) ** np.arange(len(weights), dtype=np.float32)
        if not weights.any():
            return nothing
        cosines: Floats = candidates.vectors @ (weights @ vectors / weights.sum())
        return cosines.clip(0, 1)
