"""How near the query is in meaning."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.calibration import by_best
from endcap_reranker.candidates import Candidates


@dataclass(frozen=True)
class TextColumn:
    """The cosine of query and product, whose floor is -1."""

    calibrate: Callable[[Floats, float], Floats] = by_best
    name: str = "text"

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan where there is no query vector or the product's is unknown."""
        if candidates.query_vector is None:
            return np.full(len(candidates), np.nan, np.float32)
        return self.calibrate(candidates.vectors @ candidates.query_vector, -1.0)
