"""How much everybody wants it."""

import numpy as np

from endcap_reranker.arrays import Floats, at_rows
from endcap_reranker.candidates import Candidates


class PopularityColumn:
    """`log(1 + count) / log(1 + largest count of the catalogue)`."""

    name = "popularity"

    def __init__(self, counts: Floats) -> None:
        """counts: (N,) by row of the catalogue, of events or a column of the shop; nan unknown."""
        self.counts = counts
        self.scale = float(np.log1p(np.nanmax(counts, initial=0.0)))

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan where the row has no count."""
        counts = at_rows(self.counts, candidates.rows, np.nan)
        scores: Floats = np.log1p(np.maximum(counts, 0))
        if self.scale:
            scores /= np.float32(self.scale)
        return scores
