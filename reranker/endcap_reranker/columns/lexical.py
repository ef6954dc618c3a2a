"""How well the words match."""

from collections.abc import Callable
from dataclasses import dataclass

from endcap_reranker.arrays import Floats
from endcap_reranker.calibration import by_best
from endcap_reranker.candidates import Candidates


@dataclass(frozen=True)
class LexicalColumn:
    """The engine's BM25, whose floor is 0: a product that the query does not match."""

    calibrate: Callable[[Floats, float], Floats] = by_best
    name: str = "lexical"

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan where the score is unknown."""
        return self.calibrate(candidates.lexical, 0.0)
