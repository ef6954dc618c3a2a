"""The weights of a blend, fitted on searches whose good answers are known."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Doubles, Floats
from endcap_reranker.blend import RELEVANCE, weigh
from endcap_reranker.exceptions import FittingError

COARSE = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
FINE = (0.05, 0.02, 0.01)  # steps around the best share
ROUNDS = 6
RESAMPLES = 200
TIE = 1e-12
NONE = np.empty(0, np.float32)


class Search(NamedTuple):
    """One search: its calibrated columns (n,), the grades (n,) of its candidates, 0 or nan: none.

    missed: grades of good products that are no candidates; they count in the ideal order.
    """

    columns: Mapping[str, Floats]
    grades: Floats
    missed: Floats = NONE


class Fitted(NamedTuple):
    """Weights that sum to 1, and the mean NDCG they and the start reach on the searches."""

    weights: dict[str, float]
    ndcg: float
    start_ndcg: float
    searches: int  # those with a good product; the others say nothing


def fit(
    searches: Sequence[Search],
    start: Mapping[str, float],
    *,
    relevance: tuple[str, ...] = RELEVANCE,
    cutoff: int = 10,
) -> Fitted:
    """Weights of the columns of `start` that maximise the mean NDCG@cutoff, gain 2^grade - 1.

    Coordinate ascent (Metzler and Croft, 2007) over the shares of the weights, from `start` and
    from equal weights. NDCG is flat in steps and a few searches can be fitted by accident, so the
    answer is not the best point but the mean, over bootstrap samples of the searches, of the
    points that are best on each (Breiman's bagging), unless that mean is worse than the best
    point by more than one standard error. Deterministic. Raises FittingError.
    """
    names = tuple(start)
    problem = _Problem(searches, names, relevance, cutoff)
    first = np.array([start[name] for name in names], np.float64)
    if not (np.isfinite(first).all() and (first >= 0).all() and first.sum() > 0):
        raise FittingError(f"start must be weights of 0 or more, one above 0, not {dict(start)}")
    start_ndcg = problem.ndcg(first / first.sum())
    points, ndcgs = _explore(problem, [first / first.sum(), np.full(len(names), 1 / len(names))])
    best = int(np.argmax(ndcgs.mean(axis=1)))
    weights = _bagged(points, ndcgs)
    ndcg = problem.ndcg(weights)
    loss = ndcgs[best] - ndcg
    if loss.mean() > loss.std() / np.sqrt(len(loss)):
        weights, ndcg = points[best], ndcgs[best]
    chosen = {name: float(weight) for name, weight in zip(names, weights, strict=True)}
    return Fitted(chosen, float(ndcg.mean()), float(start_ndcg.mean()), len(ndcg))


class _Problem:
    """The searches, padded to one length: NDCG of a weight vector in a few array operations."""

    def __init__(
        self,
        searches: Sequence[Search],
        names: tuple[str, ...],
        relevance: tuple[str, ...],
        cutoff: int,
    ) -> None:
        gains = [_gains(number, search, names) for number, search in enumerate(searches)]
        useful = [number for number, gain in enumerate(gains) if gain.any()]
        if not useful:
            raise FittingError("no search has a good product among its candidates")
        longest = max(len(gains[number]) for number in useful)
        stacked = np.full((len(names), len(useful), longest), np.nan)
        padded = np.zeros((len(useful), longest))
        self.absent = np.ones((len(useful), longest), bool)
        self.ideal = np.empty(len(useful))
        for place, number in enumerate(useful):
            length = len(gains[number])
            padded[place, :length] = gains[number]
            self.absent[place, :length] = False
            for column, name in enumerate(names):
                stacked[column, place, :length] = searches[number].columns[name]
            self.ideal[place] = _ideal(gains[number], searches[number].missed, cutoff)
        self.known = ~np.isnan(stacked)
        self.values = np.where(self.known, stacked, 0.0)
        self.known |= self.absent  # padding is no reason to look for who takes over
        self.relevant = np.array([name in relevance for name in names])
        self.search, self.place = np.nonzero(padded)
        self.gains = padded[self.search, self.place]
        self.cutoff = cutoff

    def ndcg(self, weights: Doubles) -> Doubles:
        """(searches,); equal scores keep the order of the candidates."""
        scores = weigh(self.values, self.known, weights, self.relevant).sum(axis=0)
        scores[self.absent] = -np.inf
        own = scores[self.search, self.place][:, np.newaxis]
        others = scores[self.search]
        before = np.arange(scores.shape[1]) < self.place[:, np.newaxis]
        ahead = np.count_nonzero((others > own) | ((others == own) & before), axis=1)
        gained = np.where(ahead < self.cutoff, self.gains / np.log2(ahead + 2), 0.0)
        found: Doubles = np.bincount(self.search, gained, len(self.ideal)) / self.ideal
        return found


def _gains(number: int, search: Search, names: tuple[str, ...]) -> Doubles:
    grades = np.nan_to_num(np.asarray(search.grades, np.float64))
    if (grades < 0).any() or (np.asarray(search.missed) < 0).any():
        raise FittingError(f"search {number}: a grade below 0")
    for name in names:
        if name not in search.columns:
            raise FittingError(f"search {number} has no column {name!r}; start has a weight for it")
        if search.columns[name].shape != grades.shape:
            raise FittingError(f"search {number}: {name!r} and the grades differ in length")
    return np.exp2(grades) - 1


def _ideal(gains: Doubles, missed: Floats, cutoff: int) -> float:
    every = np.concatenate([gains, np.exp2(missed.astype(np.float64)) - 1])
    best = np.sort(every)[::-1][:cutoff]
    return float((best / np.log2(np.arange(len(best)) + 2)).sum())


def _explore(problem: _Problem, starts: list[Doubles]) -> tuple[Doubles, Doubles]:
    """Every point (points, c) that the ascents looked at, and its NDCG (points, searches)."""
    seen: dict[bytes, tuple[Doubles, Doubles]] = {}

    def mean(point: Doubles) -> float:
        key = point.round(6).tobytes()
        if key not in seen:
            seen[key] = (point, problem.ndcg(point))
        return float(seen[key][1].mean())

    for point in starts:
        best = mean(point)
        for step in (None, *FINE):
            for _ in range(ROUNDS):
                before = best
                for column in range(len(point)):
                    for moved in _moves(point, column, step):
                        if mean(moved) > best + TIE:
                            point, best = moved, mean(moved)
                if best <= before + TIE:
                    break
    points, ndcgs = zip(*seen.values(), strict=True)
    return np.array(points), np.array(ndcgs)


def _moves(point: Doubles, column: int, step: float | None) -> Iterator[Doubles]:
    """The point with other shares for one column, the rest scaled to fill up to 1."""
    rest = np.where(np.arange(len(point)) == column, 0.0, point)
    if not rest.any():
        return
    shares = COARSE if step is None else [point[column] + sign * step for sign in (-2, -1, 1, 2)]
    for share in shares:
        if 0 <= share < 1:
            moved = rest * ((1 - share) / rest.sum())
            moved[column] = share
            yield moved


def _bagged(points: Doubles, ndcgs: Doubles) -> Doubles:
    """The mean over bootstrap samples of the best points of each; of equal ones, of all."""
    searches = ndcgs.shape[1]
    random = np.random.default_rng(0)
    even = np.full(searches, 1 / searches)
    counts: NDArray[np.int64] = random.multinomial(searches, even, RESAMPLES)
    means = ndcgs @ counts.T / searches
    best = means >= means.max(axis=0) - TIE
    weights: Doubles = ((best / best.sum(axis=0)).T @ points).mean(axis=0)
    return weights
