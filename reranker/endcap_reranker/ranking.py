"""Questions with one right item, where that stands among all items, and what it is worth."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats
from endcap_reranker.interactions import Histories, Interactions

CUTOFF = 10
HR = f"hr@{CUTOFF}"
NDCG = f"ndcg@{CUTOFF}"
SCORES = 4_000_000  # of one block: 16 MB


class Cases(NamedTuple):
    """n questions: which item did this user choose after this history?"""

    users: NDArray[np.int64]  # (n,)
    histories: Histories  # of the n cases, not of all users
    targets: Codes  # (n,)

    @classmethod
    def at(cls, interactions: Interactions, places: NDArray[np.intp]) -> "Cases":
        """The event at each user's place (-1: none) as the question, from what came before it; a
        user who has nothing before it is not asked.
        """
        starts = interactions.histories().indptr[:-1]
        users = np.flatnonzero(places > starts)
        ends = places[users]
        histories = _take(interactions.items, interactions.weights, starts[users], ends)
        return cls(users, histories, interactions.items[ends])

    def __len__(self) -> int:
        return len(self.users)

    def history(self, case: int) -> tuple[Codes, Floats]:
        """Items and weights (k,) of one case, most recent first."""
        indptr, items, weights = self.histories
        places = slice(indptr[case], indptr[case + 1])
        return items[places][::-1], weights[places][::-1]

    def some(self, n: int, seed: int) -> "Cases":
        """At most n of them, drawn."""
        if len(self) <= n:
            return self
        return self.of(np.sort(np.random.default_rng(seed).choice(len(self), n, replace=False)))

    def of(self, chosen: NDArray[np.intp]) -> "Cases":
        """These cases."""
        starts, ends = self.histories.indptr[chosen], self.histories.indptr[chosen + 1]
        return Cases(
            self.users[chosen],
            _take(self.histories.items, self.histories.weights, starts, ends),
            self.targets[chosen],
        )


def rank_cases(cases: Cases, n_items: int, score: Callable[[Cases], Floats]) -> Doubles:
    """(n,) ranks from 1. `score` gives (cases, n_items) for some cases; nan: no opinion.

    Full ranking, never among sampled items (Krichene and Rendle, KDD 2020). Equal scores share the
    middle of their places.
    """
    ranks = np.empty(len(cases))
    step = max(1, SCORES // n_items)
    for start in range(0, len(cases), step):
        block = np.arange(start, min(start + step, len(cases)))
        some = cases.of(block)
        scores = np.nan_to_num(score(some), nan=-np.inf)
        rows = np.repeat(np.arange(len(block)), np.diff(some.histories.indptr))
        own = scores[np.arange(len(block)), some.targets][:, np.newaxis]
        scores[rows, some.histories.items] = np.nan
        better = np.count_nonzero(scores > own, axis=1)
        equal = np.maximum(np.count_nonzero(scores == own, axis=1), 1)
        ranks[block] = better + (equal + 1) / 2
    return ranks


def average(ranks: NDArray[np.float64]) -> dict[str, float]:
    """HR@10 and NDCG@10; with one right item that is `1 / log2(rank + 1)`."""
    hit = ranks <= CUTOFF
    gains = np.where(hit, 1 / np.log2(ranks + 1), 0.0)
    return {HR: float(hit.mean()), NDCG: float(gains.mean())}


def _take(
    items: Codes,
    weights: NDArray[np.float32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> Histories:
    lengths = ends - starts
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    positions = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
    return Histories(indptr, items[positions], weights[positions])
