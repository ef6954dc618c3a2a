"""What many configurations are worth on each judged query, from few searches.

The columns of all candidates are collected through the public client once per vector of boosts;
floors and shares are then tried on the columns. A column is calibrated by its best among the
candidates, so leaving candidates out rescales it, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.evaluation.judgments import Judgments
from endcap.evaluation.metrics import NDCG, Doubles, measure
from endcap.evaluation.systems import DEPTH, NO_FLOOR, Asked, Explained, Searcher
from endcap.tuning import Tuning
from endcap_reranker import Blend

FLOORS = (0.6, 0.5, 0.4, 0.3, 0.2, 0.0)
SHARES = tuple(share / 20 for share in range(5, 17))  # of the words; the rest is the meaning's
CUTOFF = 10
LEGS = ("lexical", "text")

Boosts = Mapping[str, float]
Positions = NDArray[np.intp]


class Worth(NamedTuple):
    """One vector of boosts, query by query.

    lexical: (queries,) NDCG@10 of the engine alone. fused, reranked: (floors, shares, queries),
    the mean of NDCG@10 and Recall@100, and its mean with that of NDCG@10 and the judged list's.
    """

    lexical: Doubles
    fused: Doubles
    reranked: Doubles


@dataclass
class Trials:
    """Configurations tried on all judged queries; every vector of boosts is searched once."""

    searcher: Searcher
    judgments: Judgments
    _known: dict[tuple[tuple[str, float], ...], Worth] = field(default_factory=dict)
    _admitted: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def worth(self, boosts: Boosts) -> Worth:
        key = tuple(sorted(boosts.items()))
        if key not in self._known:
            # By the legs alone: products that both find equal stay in the order of the window.
            weights = dict.fromkeys(LEGS, 0.5)
            self._known[key] = self._try(Tuning(boosts=boosts, floor=NO_FLOOR, weights=weights))
        return self._known[key]

    def _try(self, tuning: Tuning) -> Worth:
        queries = self.judgments.queries
        shape = (len(FLOORS), len(SHARES), len(queries))
        fused, reranked, lexical = np.empty(shape), np.empty(shape), {}
        for place, query in enumerate(queries):
            window = self.searcher.window
            lexical[query] = self.searcher.rank("lexical", tuning, Asked(query), size=window)
            found = frozenset(lexical[query])
            fused[..., place], reranked[..., place] = self._try_query(tuning, query, found)
        return Worth(measure(lexical, self.judgments)[NDCG], fused, reranked)

    def _try_query(
        self, tuning: Tuning, query: str, lexical: frozenset[str]
    ) -> tuple[Doubles, Doubles]:
        """(floors, shares) each."""
        grades = self.judgments.grades[query]
        judged = ndcgs(self.searcher.explain(tuning, Asked(query, among=list(grades))), grades)
        explained = self.searcher.explain(tuning, Asked(query))
        fused, reranked = [], []
        for admitted in self._admit(query):
            kept = leave(explained, lexical | admitted)
            ndcg = ndcgs(kept, grades)
            fused.append((ndcg + recalls(kept, grades)) / 2)
            reranked.append((fused[-1] + (ndcg + judged) / 2) / 2)
        return np.array(fused), np.array(reranked)

    def _admit(self, query: str) -> list[frozenset[str]]:
        """What the vector leg finds above each floor, whatever the boosts are."""
        if query not in self._admitted:
            window = self.searcher.window
            found = [
                self.searcher.rank("admitted", Tuning(floor=floor), Asked(query), size=window)
                for floor in FLOORS
            ]
            self._admitted[query] = [frozenset(ids) for ids in found]
        return self._admitted[query]


def leave(explained: Explained, ids: frozenset[str]) -> Explained:
    """These candidates alone, calibrated by the best that is left."""
    kept = np.array([id in ids for id in explained.ids], bool)
    columns = {name: explained.columns[name][kept] for name in LEGS if name in explained.columns}
    for name, column in columns.items():
        best = np.nanmax(column, initial=0.0)
        columns[name] = column / best if best > 0 else column
    return Explained([id for id in explained.ids if id in ids], columns)


def ndcgs(explained: Explained, grades: Mapping[str, int]) -> Doubles:
    """(shares,) NDCG@10 of the candidates, by the order of each share."""
    gains = np.array([2.0 ** grades.get(id, 0) - 1 for id in explained.ids])
    best = np.sort([2.0**grade - 1 for grade in grades.values()])[::-1]
    found = gains[_orders(explained)]
    return _discounted(found) / _discounted(best)


def recalls(explained: Explained, grades: Mapping[str, int]) -> Doubles:
    """(shares,) Recall@100 of the candidates, by the order of each share."""
    relevant = np.array([grades.get(id, 0) > 0 for id in explained.ids], bool)
    found = relevant[_orders(explained)][:, :DEPTH].sum(axis=1)
    return np.asarray(found / sum(grade > 0 for grade in grades.values()), np.float64)


def _discounted(gains: Doubles) -> Doubles:
    """(...,) DCG@10 of (..., n) gains in their order."""
    first = gains[..., :CUTOFF]
    return np.asarray((first / np.log2(np.arange(first.shape[-1]) + 2)).sum(axis=-1))


def _orders(explained: Explained) -> Positions:
    """(shares, n) the candidates' places, best first, as the client would put them."""
    columns = {name: explained.columns[name] for name in explained.columns if name in LEGS}
    scores = np.empty((len(SHARES), len(explained.ids)))
    for place, share in enumerate(SHARES):
        parts = Blend({"lexical": share, "text": 1 - share}).contributions(columns)
        scores[place] = sum(parts.values())
    return np.argsort(-scores, axis=1, kind="stable")
