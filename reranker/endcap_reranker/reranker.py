"""Candidates in, order out."""

from collections.abc import Sequence

import numpy as np

from endcap_reranker.arrays import Floats, check
from endcap_reranker.blend import Blend
from endcap_reranker.candidates import Candidates, Reranked, Scorer
from endcap_reranker.exceptions import ColumnError


class Reranker:
    """Scorers and the blend of their columns; raises ColumnError where they do not fit together."""

    def __init__(self, scorers: Sequence[Scorer], blend: Blend) -> None:
        names = tuple(scorer.name for scorer in scorers)
        if len(set(names)) < len(names):
            raise ColumnError(f"two scorers of one name: {', '.join(sorted(names))}")
        blend.require(names)
        self.scorers = tuple(scorers)
        self.blend = blend

    def rerank(self, candidates: Candidates) -> Reranked:
        """Best first; equal scores keep the order of the candidates."""
        columns = {scorer.name: _column(scorer, candidates) for scorer in self.scorers}
        contributions = self.blend.contributions(columns)
        scores = sum(contributions.values(), np.zeros(len(candidates)))
        order = np.argsort(-scores, kind="stable")
        return Reranked(order, scores.astype(np.float32), columns, contributions)


def _column(scorer: Scorer, candidates: Candidates) -> Floats:
    column = scorer.score(candidates)
    check(f"the column {scorer.name!r}", column, np.float32, len(candidates))
    return column
