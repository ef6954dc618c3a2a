"""How often it is chosen together with what the shopper chose."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from endcap_reranker.arrays import Codes, Floats, Rows, at_rows
from endcap_reranker.candidates import Candidates, Shopper
from endcap_reranker.cooccurrence import Cooccurrence


@dataclass(frozen=True, eq=False)
class CooccurrenceColumn:
    """Co-occurrence with the history, `score / (score + half)`.

    codes: (N,) the item of each row of the catalogue, -1 for a product without events. A long
    history that points at a product says more than one event does, so the sum is bent to stay
    below 1 and not divided by the length of the history.
    """

    counted: Cooccurrence
    codes: Codes
    half: float = 0.5
    name: str = "cooccurrence"

    @cached_property
    def rows(self) -> Rows:
        """(m,) the row of each item, -1 for one that the catalogue no longer has."""
        rows = np.full(len(self.counted.item_ids), -1, np.int64)
        known = np.flatnonzero(self.codes >= 0)
        rows[self.codes[known]] = known
        return rows

    def recall(self, shopper: Shopper, k: int) -> Rows:
        """At most k rows of the catalogue that co-occur most with the history."""
        history = at_rows(self.codes, shopper.rows, -1)
        rows = self.rows[self.counted.nearest(history, shopper.weights, k)]
        return rows[rows >= 0]

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where the product has no events."""
        shopper = candidates.shopper
        if shopper is None:
            return np.full(len(candidates), np.nan, np.float32)
        history = at_rows(self.codes, shopper.rows, -1)
        products = at_rows(self.codes, candidates.rows, -1)
        scores = self.counted.score(history, shopper.weights, products)
        return scores / (scores + np.float32(self.half))
