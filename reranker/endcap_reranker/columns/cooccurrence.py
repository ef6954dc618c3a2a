"""How often it is chosen together with what the shopper chose."""

from dataclasses import dataclass

import numpy as np

from endcap_reranker.arrays import Codes, Floats, at_rows
from endcap_reranker.candidates import Candidates
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

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where the product has no events."""
        shopper = candidates.shopper
        if shopper is None:
            return np.full(len(candidates), np.nan, np.float32)
        history = at_rows(self.codes, shopper.rows, -1)
        products = at_rows(self.codes, candidates.rows, -1)
        scores = self.counted.score(history, shopper.weights, products)
        return scores / (scores + np.float32(self.half))
