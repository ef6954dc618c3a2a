"""How often it is chosen together with what the shopper chose."""

from dataclasses import dataclass

import numpy as np

from endcap_reranker.arrays import Codes, Floats, at_rows
from endcap_reranker.candidates import Candidates
from endcap_reranker.cooccurrence import Cooccurrence


@dataclass(frozen=True, eq=False)
class CooccurrenceColumn:
    """Co-occurrence of candidates and history; codes: (N,) item of each catalogue row, -1 none."""

    counted: Cooccurrence
    codes: Codes
    name: str = "cooccurrence"

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where a product has no events."""
        shopper = candidates.shopper
        if shopper is None:
            return np.full(len(candidates), np.nan, np.float32)
        history = at_rows(self.codes, shopper.rows, -1)
        products = at_rows(self.codes, candidates.rows, -1)
        return self.counted.score(history, shopper.weights, products)
