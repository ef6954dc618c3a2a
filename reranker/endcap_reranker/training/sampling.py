"""Negatives, drawn by popularity."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats


class Negatives(NamedTuple):
    items: NDArray[np.int64]  # (k,)
    log_expected: Floats  # (k,) how often each is drawn in k draws


class NegativeSampler:
    """Draws item i with `Q_i ~ count_i^exponent`, as GRU4Rec does; 0: every item alike."""

    def __init__(self, items: Codes, n_items: int, exponent: float) -> None:
        counts = np.bincount(items, minlength=n_items).astype(np.float64)
        weights: Doubles = np.maximum(counts, 1.0) ** exponent
        self.probabilities = weights / weights.sum()
        self.bounds = np.cumsum(self.probabilities)

    def draw(self, k: int, random: np.random.Generator) -> Negatives:
        """k items, with replacement."""
        places = np.searchsorted(self.bounds, random.random(k) * self.bounds[-1], side="right")
        items = np.minimum(places, len(self.bounds) - 1).astype(np.int64)
        return Negatives(items, np.log(k * self.probabilities[items]).astype(np.float32))
