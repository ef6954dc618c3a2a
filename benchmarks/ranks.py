"""Where the one right answer of a search stands, and what that is worth on average."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]

CUTOFF = 10
NOT_FOUND = np.inf


def rank_among(scores: Floats, answer: int) -> float:
    """The rank, from 1, of the score at `answer`; equal scores share the middle of their places."""
    better = np.count_nonzero(scores > scores[answer])
    equal = np.count_nonzero(scores == scores[answer])
    return float(better + (equal + 1) / 2)


def rank_in(shown: Sequence[str], answer: str) -> float:
    """The rank, from 1, of a product in what is shown; infinite where it is not shown."""
    return shown.index(answer) + 1.0 if answer in shown else NOT_FOUND


def averages(ranks: ArrayLike) -> dict[str, float]:
    """HR@10, NDCG@10 (one relevant product: 1 / log2(rank + 1)) and MRR over the whole list."""
    every = np.asarray(ranks, np.float64)
    hit = every <= CUTOFF
    return {
        "hr@10": round(float(hit.mean()), 4),
        "ndcg@10": round(float(np.where(hit, 1 / np.log2(every + 1), 0.0).mean()), 4),
        "mrr": round(float((1 / every).mean()), 4),
    }
