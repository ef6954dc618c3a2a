"""The configuration that is chosen on some of the judged queries.

NDCG moves in steps and a hundred queries can be fitted by accident, so the answer is not the best
configuration but the middle of those that are best on bootstrap samples of the queries (bagging:
Breiman, Machine Learning 1996). It is one that was tried: between two good boosts may lie bad ones.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.evaluation.metrics import Doubles
from endcap.evaluation.trials import FLOORS, SHARES, Boosts, Trials

FACTORS = (0.5, 2.0)  # of one boost, the others kept
ROUNDS = 3
RESAMPLES = 200
DIGITS = 3
TIE = 1e-12

Places = NDArray[np.int64]


class Chosen(NamedTuple):
    """boosts by field; floor; the share of the words in the fusion and in the blend."""

    boosts: Boosts
    floor: float
    fused: float
    reranked: float


def choose(trials: Trials, start: Boosts, places: Places) -> Chosen:
    """What is best on the queries at `places`: first what finds, then what orders.

    Boosts, floor and fusion by the mean of NDCG@10 and Recall@100 of the fused order; then the
    blend by these and the NDCG@10 of the judged list, the NDCG@10 that shoppers see counting twice.
    It alone would not do: a product that nobody judged counts as wrong, however right it is, so it
    praises what finds again what the judges' own engine had found.
    """

    def value(boosts: Boosts) -> float:
        return float(trials.worth(boosts).fused[..., places].mean(axis=2).max())

    tried = _explore(start, value)
    counts = _counts(len(places))
    fused = np.array([trials.worth(boosts).fused[..., places] for boosts in tried]) @ counts.T
    best = np.unravel_index(
        fused.max(axis=2).reshape(-1, RESAMPLES).argmax(axis=0), fused.shape[:2]
    )
    boosts = _middle_boosts([tried[place] for place in best[0]], tried)
    mean = np.array(FLOORS)[best[1]].mean()
    floor = min(range(len(FLOORS)), key=lambda place: abs(FLOORS[place] - mean))
    worth = trials.worth(boosts)
    return Chosen(
        boosts,
        FLOORS[floor],
        _mean_share(worth.fused[floor][:, places] @ counts.T),
        _mean_share(worth.reranked[floor][:, places] @ counts.T),
    )


def choose_lexical(trials: Trials, start: Boosts, places: Places) -> Boosts:
    """The boosts that are best for the engine alone: the strongest baseline, by its NDCG@10."""

    def value(boosts: Boosts) -> float:
        return float(trials.worth(boosts).lexical[places].mean())

    tried = _explore(start, value)
    values = np.array([trials.worth(boosts).lexical[places] for boosts in tried])
    best = np.argmax(values @ _counts(len(places)).T, axis=0)
    return _middle_boosts([tried[place] for place in best], tried)


def _mean_share(values: Doubles) -> float:
    """The mean of the shares that are best on each sample, of equal ones all: (shares, samples)."""
    best = values >= values.max(axis=0) - TIE
    return round(float((np.array(SHARES) @ (best / best.sum(axis=0))).mean()), DIGITS)


def _middle_boosts(best: list[Boosts], tried: list[Boosts]) -> Boosts:
    """The tried one that is nearest to the mean of the best; ratios are compared."""
    mean = np.mean([_logs(boosts) for boosts in best], axis=0)
    return min(tried, key=lambda boosts: float(((_logs(boosts) - mean) ** 2).sum()))


def _logs(boosts: Boosts) -> Doubles:
    return np.log(np.array(list(boosts.values()), np.float64))


def _explore(start: Boosts, value: Callable[[Boosts], float]) -> list[Boosts]:
    """Coordinate search from the catalogue's boosts: one boost at a time halved or doubled.

    The first field's boost stays, since only ratios matter. Every vector that was tried.
    """
    best = dict(start)
    tried: list[Boosts] = [best]
    for _ in range(ROUNDS):
        before = best
        for name in list(start)[1:]:
            moves = [{**best, name: best[name] * factor} for factor in FACTORS]
            tried += [move for move in moves if move not in tried]
            best = max([best, *moves], key=value)
        if best == before:
            break
    return tried


def _counts(queries: int) -> Places:
    """(resamples, queries) how often each stands in each; the same for the same number."""
    random = np.random.default_rng(0)
    return random.multinomial(queries, np.full(queries, 1 / queries), RESAMPLES)
