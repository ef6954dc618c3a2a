"""The configuration that is chosen on some of the judged queries.

NDCG moves in steps and a hundred queries can be fitted by accident, so the answer is not the best
configuration but the mean of those that are best on bootstrap samples of the queries (bagging:
Breiman, Machine Learning 1996). Ratios of boosts are averaged as ratios.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.evaluation.metrics import Doubles
from endcap.evaluation.trials import FLOORS, SHARES, Boosts, Trials, Worth

FACTORS = (0.5, 2.0)  # of one boost, the others kept
ROUNDS = 3
RESAMPLES = 200
DIGITS = 3

Places = NDArray[np.intp]


class Chosen(NamedTuple):
    """boosts by field; floor; the share of the words in the fusion and in the blend."""

    boosts: dict[str, float]
    floor: float
    fused: float
    reranked: float


def choose(trials: Trials, start: Boosts, places: Places) -> Chosen:
    """What is best for both legs on the queries at `places`.

    The objective is the mean of NDCG@10, of the NDCG@10 of the judged list and of Recall@100: in
    the first alone a product that nobody judged counts as wrong, however right it is, and a
    configuration would be praised for finding what the judges' own engine had found.
    """

    def objective(worth: Worth) -> Doubles:
        """(floors, queries), each floor with the shares that are best for it."""
        fused, reranked = worth.fused[..., places], worth.reranked[..., places]
        return _best_share(fused) + _best_share(reranked)

    points = _explore(trials, start, lambda worth: float(objective(worth).mean(axis=1).max()))
    worths = [trials.worth(boosts) for boosts in points]
    fused = np.array([worth.fused[..., places] for worth in worths])
    reranked = np.array([worth.reranked[..., places] for worth in worths])
    chosen = [_sample(fused, reranked, counts) for counts in _counts(len(places))]
    boosts, floors, first, second = map(np.array, zip(*chosen, strict=True))
    return Chosen(
        _mean_boosts([points[place] for place in boosts]),
        round(float(np.mean(np.array(FLOORS)[floors])), DIGITS),
        round(float(np.mean(np.array(SHARES)[first])), DIGITS),
        round(float(np.mean(np.array(SHARES)[second])), DIGITS),
    )


def choose_lexical(trials: Trials, start: Boosts, places: Places) -> dict[str, float]:
    """The boosts that are best for the engine alone: the strongest baseline, by its NDCG@10."""
    points = _explore(trials, start, lambda worth: float(worth.lexical[places].mean()))
    values = np.array([trials.worth(boosts).lexical[places] for boosts in points])
    best = np.argmax(values @ np.array(_counts(len(places))).T, axis=0)
    return _mean_boosts([points[place] for place in best])


def _best_share(values: Doubles) -> Doubles:
    """(floors, queries) of (floors, shares, queries): each floor's best share on the mean."""
    best = values.mean(axis=2).argmax(axis=1)
    return np.asarray(values[np.arange(len(values)), best])


def _sample(fused: Doubles, reranked: Doubles, counts: Places) -> tuple[int, int, int, int]:
    """The places of boosts, floor and shares that are best on one sample: of equal floors the
    highest, which shows least that is not asked for.
    """
    first, second = fused @ counts, reranked @ counts  # (boosts, floors, shares)
    total = first.max(axis=2) + second.max(axis=2)
    boosts, floor = np.unravel_index(int(np.argmax(total)), total.shape)
    return (
        int(boosts),
        int(floor),
        int(first[boosts, floor].argmax()),
        int(second[boosts, floor].argmax()),
    )


def _explore(trials: Trials, start: Boosts, value: Callable[[Worth], float]) -> list[Boosts]:
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
            best = max([best, *moves], key=lambda boosts: value(trials.worth(boosts)))
        if best == before:
            break
    return tried


def _counts(queries: int) -> list[Places]:
    """How often each query stands in each bootstrap sample; the same for the same number."""
    random = np.random.default_rng(0)
    drawn = random.multinomial(queries, np.full(queries, 1 / queries), RESAMPLES)
    return list(drawn)


def _mean_boosts(boosts: list[Boosts]) -> dict[str, float]:
    """The geometric mean."""
    names = list(boosts[0])
    logs = np.log([[each[name] for name in names] for each in boosts]).mean(axis=0)
    return {name: float(f"{boost:.3g}") for name, boost in zip(names, np.exp(logs), strict=True)}
