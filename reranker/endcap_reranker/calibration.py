"""Scores of different origins, brought to one scale: 0 to 1."""

import numpy as np

from endcap_reranker.arrays import Floats


def by_best(scores: Floats, floor: float) -> Floats:
    """`(score - floor) / (best - floor)` with the theoretical minimum and the measured maximum.

    With the floor of the scorer (BM25 0, cosine -1) and not of the list, a list of uniformly poor
    scores is not stretched, and two products keep their mix when a third comes or goes below
    the best (Bruch, Gai and Ingber, TOIS 2023). nan stays nan; no score above the floor: zeros.
    """
    finite = np.isfinite(scores)
    best = scores[finite].max(initial=floor)
    calibrated = np.full(scores.shape, np.nan, np.float32)
    calibrated[finite] = 0.0
    if best > floor:
        calibrated[finite] = np.clip((scores[finite] - floor) / (best - floor), 0, 1)
    return calibrated


def by_rank(scores: Floats, floor: float, k: int = 60) -> Floats:
    """`(k + 1) / (k + rank)`, rank 1 for the best: reciprocal rank fusion times k + 1.

    Equal scores are ranked in the given order; what has no score above the floor is not in the
    list and has 0 (Cormack, Clarke and Buettcher, SIGIR 2009).
    """
    listed = np.flatnonzero(scores > floor)
    best_first = listed[np.argsort(-scores[listed], kind="stable")]
    calibrated = np.zeros(scores.shape, np.float32)
    calibrated[best_first] = (k + 1) / (k + 1 + np.arange(len(listed)))
    return calibrated
