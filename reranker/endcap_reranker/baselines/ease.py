"""A linear model of items by items, in closed form."""

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases

LARGEST = 20_000  # items: their inverse takes 3 GB and some minutes
REGULARISATION = 250.0


class EASE(Baseline):
    """`B = I - P / diag(P)`, `P = (XᵀX + λ I)^-1`; scores are x B (Steck, WWW 2019).

    In a catalogue of more than LARGEST items those chosen most are modelled, and the others have no
    opinion: the inverse grows with the square of the items in memory and their cube in time.
    """

    def __init__(
        self, interactions: Interactions, text: Floats, regularisation: float = REGULARISATION
    ) -> None:
        self.n_items = len(interactions.item_ids)
        counts = np.bincount(interactions.items, minlength=self.n_items)
        self.items = np.sort(np.argsort(-counts, kind="stable")[:LARGEST])
        self.places = np.full(self.n_items, -1)
        self.places[self.items] = np.arange(len(self.items))
        gram = _gram(interactions.distinct(), self.places, len(self.items))
        gram[np.diag_indices_from(gram)] += regularisation
        inverse = np.linalg.inv(gram)
        weights: Floats = (inverse / -np.diag(inverse)).astype(np.float32, copy=False)
        np.fill_diagonal(weights, 0)
        self.weights = weights

    def score(self, cases: Cases) -> Floats:
        return np.stack([self.score_all(cases.history(row)[0]) for row in range(len(cases))])

    def score_all(self, history: Codes) -> Floats:
        """(m,) of every item."""
        places = self.places[history]
        scores = np.full(self.n_items, np.nan, np.float32)
        scores[self.items] = self.weights[places[places >= 0]].sum(axis=0)
        return scores


def _gram(interactions: Interactions, places: NDArray[np.int64], n: int) -> Floats:
    """XᵀX (n, n) of users by items, 1 where one chose the other."""
    gram = np.zeros((n, n), np.float32)
    indptr, items, _ = interactions.histories()
    for start, end in zip(indptr[:-1], indptr[1:], strict=True):
        chosen = places[items[start:end]]
        chosen = chosen[chosen >= 0]
        gram[np.ix_(chosen, chosen)] += 1
    return gram
