"""One score from many columns: a weighted sum that knows what to do where a column is silent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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

    def contributions(self, columns: Mapping[str, Floats]) -> dict[str, Doubles]:
        """What each column adds to the score, of the columns' shape; 0 where it is silent."""
        unweighted = [name for name in columns if name not in self.weights]
        if unweighted:
            raise ColumnError(f"no weight for {', '.join(unweighted)}; 0 switches a column off")
        takeover = self._takeover(columns)
        return {
            name: np.nan_to_num(column.astype(np.float64))
            * (self.weights[name] * (takeover if name in self.relevance else 1.0))
            for name, column in columns.items()
        }

    def _takeover(self, columns: Mapping[str, Floats]) -> Doubles | float:
        """Weight of the relevance columns over the weight of those that have an opinion."""
        whole = sum(self.weights.get(name, 0.0) for name in self.relevance)
        present = [name for name in self.relevance if name in columns]
        known = sum(
            (self.weights[name] * ~np.isnan(columns[name]) for name in present), np.float64(0.0)
        )
        return np.divide(whole, known, out=np.zeros(np.shape(known)), where=known > 0)
