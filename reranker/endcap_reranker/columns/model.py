"""How well it suits the shopper, by the user-item model."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from endcap_reranker.arrays import Floats, Rows
from endcap_reranker.candidates import Candidates, Shopper
from endcap_reranker.exceptions import ColumnError
from endcap_reranker.models import UserItemModel

REFERENCES = 512  # products whose scores say what is much for a shopper
LEAST_DEVIATION = 1e-6  # where all score alike
STEEP = 80.0  # beyond it the exponential of a float32 overflows


class ItemVectors(Protocol):
    """The products of a catalogue as a model sees them."""

    def __len__(self) -> int: ...

    def vectors(self, rows: Rows) -> Floats:
        """(n, d) by row of the catalogue; nan for row -1 and where the model knows nothing."""
        ...


@dataclass(frozen=True, eq=False)
class ModelColumn:
    """The model's score `s` against those of any product: `σ(z - half)`, `z = (s - m) / d`.

    m and d are the mean and the deviation of the shopper's scores over products drawn once from the
    catalogue, so what a score means depends neither on the window nor on the scale of the model. A
    product `half` deviations above the mean has 1/2, an average one little, and the order of what
    is not liked is the model's too.
    """

    model: UserItemModel
    items: ItemVectors
    references: Floats  # (r, d)
    half: float = 2.0
    name: str = "model"

    @classmethod
    def over(cls, model: UserItemModel, items: ItemVectors) -> "ModelColumn":
        """The same products are drawn for the same catalogue."""
        drawn = np.random.default_rng(0).permutation(len(items))[:REFERENCES]
        vectors = items.vectors(np.sort(drawn))
        return cls(model, items, vectors[~np.isnan(vectors[:, 0])])

    def state(self, shopper: Shopper) -> Floats | None:
        """(d,) of a shopper; None where no event is of a product that the model knows. Raises
        ColumnError for a model that is broken.
        """
        if not len(shopper.rows):
            return None
        vectors = self.items.vectors(shopper.rows)
        state = self.model.shopper_state(vectors, shopper.weights, shopper.key)
        if not np.isnan(state).any():
            return state
        if (~np.isnan(vectors[:, 0]) & (shopper.weights > 0)).any():
            raise ColumnError("the model makes nan of events that it knows")
        return None

    def score(self, candidates: Candidates) -> Floats:
        """(n,) in 0 to 1; nan without a history, or where the model knows nothing. Raises
        ColumnError for a model that is broken.
        """
        shopper = candidates.shopper
        state = None if shopper is None else self.state(shopper)
        if state is None or not len(self.references):
            return np.full(len(candidates), np.nan, np.float32)
        usual = self.model.score(state, self.references)
        vectors = self.items.vectors(candidates.rows)
        scores = self.model.score(state, vectors)
        if np.isnan(scores[~np.isnan(vectors[:, 0])]).any():
            raise ColumnError("the model makes nan of products that it knows")
        deviation = max(float(usual.std()), LEAST_DEVIATION)
        above = (scores - usual.mean()) / np.float32(deviation) - np.float32(self.half)
        liked: Floats = 1 / (1 + np.exp(-above.clip(-STEEP, STEEP)))
        return liked
