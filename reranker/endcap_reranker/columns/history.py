"""How alike it is to what the shopper looked at last."""

from dataclasses import dataclass

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.candidates import Candidates, Shopper


@dataclass(frozen=True)
class HistoryColumn:
    """The cosine to the shopper's last products, those most like the candidate counting most.

    Attention over the last `length` different products: `sum(a · cosine) / sum(a)` with
    `a = weight · decay^steps · exp(cosine / temperature)`. The mean would ask that a candidate be
    like everything, the maximum would forget what is recent. Below 0 is 0.
    """

    length: int = 10
    decay: float = 0.8
    temperature: float = 0.1
    name: str = "history"

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where the product's vector is unknown."""
        if candidates.shopper is None:
            return np.full(len(candidates), np.nan, np.float32)
        vectors, strengths = self._last(candidates.shopper)
        if not len(vectors):
            return np.full(len(candidates), np.nan, np.float32)
        cosines = vectors @ candidates.vectors.T
        nearest = cosines.max(axis=0)  # the formula without it can underflow
        attention = np.exp((cosines - nearest) / np.float32(self.temperature))
        attention *= strengths[:, np.newaxis]
        scores: Floats = (attention * cosines).sum(axis=0) / attention.sum(axis=0)
        return scores.clip(0, 1)

    def _last(self, shopper: Shopper) -> tuple[Floats, Floats]:
        """Vectors and strengths of the last different products with a vector and a weight."""
        known = ~np.isnan(shopper.vectors[:, 0]) & (shopper.weights > 0)
        _, first = np.unique(shopper.rows[known], return_index=True)
        last = np.flatnonzero(known)[np.sort(first)[: self.length]]
        recency = np.float32(self.decay) ** np.arange(len(last), dtype=np.float32)
        return shopper.vectors[last], shopper.weights[last] * recency
