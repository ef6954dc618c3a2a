"""Candidates in, order out."""

from collections.abc import Mapping, Sequence

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
        columns = {scorer.name: score_column(scorer, candidates) for scorer in self.scorers}
        return order_by(self.blend, columns, len(candidates))


def score_column(scorer: Scorer, candidates: Candidates) -> Floats:
    """What one scorer says; raises ShapeError or ColumnError where that is no column."""
    column = scorer.score(candidates)
    check(f"the column {scorer.name!r}", column, np.float32, len(candidates))
    if np.isinf(column).any():
        raise ColumnError(f"the column {scorer.name!r} is infinite; nan is no opinion")
    return column


def order_by(blend: Blend, columns: Mapping[str, Floats], candidates: int) -> Reranked:
    """The order of so many candidates by these columns; by none of them, that which they had."""
    contributions = blend.contributions(columns)
    scores = sum(contributions.values(), np.zeros(candidates))
    order = np.argsort(-scores, kind="stable")
    return Reranked(order, scores.astype(np.float32), dict(columns), contributions)
