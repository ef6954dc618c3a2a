"""One score from many columns: a weighted sum that knows what to do where a column is silent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Doubles, Floats
from endcap_reranker.exceptions import ColumnError

RELEVANCE = ("lexical", "text")


@dataclass(frozen=True)
class Blend:
    """Weights by column, finite and not negative; raises ColumnError.

    Where a column of `relevance` has no opinion (nan) on a product, the others take over its
    weight; any other column then contributes 0.
    """

    weights: Mapping[str, float]
    relevance: tuple[str, ...] = RELEVANCE

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ColumnError(f"the weight of {name!r} must be 0 or more, not {weight}")

    def require(self, names: tuple[str, ...]) -> None:
        """Raise ColumnError unless each of these columns has a weight."""
        unweighted = [name for name in names if name not in self.weights]
        if unweighted:
            raise ColumnError(f"no weight for {', '.join(unweighted)}; 0 switches a column off")

    def contributions(self, columns: Mapping[str, Floats]) -> dict[str, Doubles]:
        """What each column adds to the score, of the columns' shape; 0 where it is silent."""
        names = tuple(columns)
        self.require(names)
        if not names:
            return {}
        # A relevance column that nobody computes is silent everywhere: its weight is taken over.
        absent = sum(self.weights.get(name, 0.0) for name in self.relevance if name not in names)
        stacked = np.array([columns[name] for name in names], np.float64)
        known = ~np.isnan(stacked)
        weights = np.array([self.weights[name] for name in names])
        relevant = np.array([name in self.relevance for name in names])
        weighted = weigh(np.where(known, stacked, 0.0), known, weights, relevant, absent)
        return dict(zip(names, weighted, strict=True))


def weigh(
    values: Doubles,
    known: NDArray[np.bool_],
    weights: Doubles,
    relevant: NDArray[np.bool_],
    absent: float = 0.0,
) -> Doubles:
    """(c, ...) contributions of columns (c, ...) with weights (c,); values are 0 where not known.

    A relevant column counts `weight · W / K`: W the weight of all relevant columns, `absent` of
    them not even given, K of those known here.
    """
    every = (slice(None), *[np.newaxis] * (values.ndim - 1))
    weighted: Doubles = values * weights[every]
    if absent or not known[relevant].all():
        whole = absent + weights[relevant].sum()
        spoken = np.tensordot(weights[relevant], known[relevant], 1)
        takeover = np.divide(whole, spoken, out=np.zeros(spoken.shape), where=spoken > 0)
        weighted[relevant] *= takeover
    return weighted
