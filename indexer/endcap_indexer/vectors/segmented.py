"""An index over a base and what was changed since, which is searched exactly."""

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import VectorsError
from endcap_indexer.vectors.flat import FlatIndex
from endcap_indexer.vectors.index import VectorIndex
from endcap_indexer.vectors.stored import Rows, Scores, best

UNCHANGED = -1  # the row is as in the base
GONE = -2


class SegmentedIndex:
    """Rows of the base that were changed or are gone are dropped from what it finds.

    places: (rows,) int32, of each row's vector among the changed ones, or UNCHANGED or GONE.
    rows: (m,) int64, of the changed vectors. changed: (m, d) float16 unit rows.
    """

    def __init__(
        self,
        base: VectorIndex,
        places: NDArray[np.int32],
        rows: Rows,
        changed: NDArray[np.float16],
    ) -> None:
        self._base, self._places, self._rows = base, places, rows
        self._changed = FlatIndex(changed)
        self._dimension = changed.shape[1]
        self._replaced = float(np.mean(places != UNCHANGED)) if len(places) else 0.0

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: Rows | None = None
    ) -> tuple[Rows, Scores]:
        """About the k rows of the highest inner product and these products, best first."""
        if allowed is None:
            parts = [self._search_base(vector, k), self._search_changed(vector, k, None)]
        else:
            self._check(allowed)
            allowed = allowed[allowed >= 0]
            places = self._places[allowed]
            unchanged, changed = allowed[places == UNCHANGED], places[places >= 0]
            parts = [
                self._base.search(vector, k, unchanged),
                self._search_changed(vector, k, changed.astype(np.int64)),
            ]
        rows, scores = (np.concatenate(both) for both in zip(*parts, strict=True))
        return best(rows, scores, k)

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), d) float32; nan for row -1 and for a product without a vector."""
        rows = np.asarray(rows, np.int64)
        self._check(rows)
        places = np.where(rows < 0, GONE, self._places.take(rows, mode="wrap"))
        vectors = np.full((len(rows), self._dimension), np.nan, np.float32)
        unchanged, changed = places == UNCHANGED, places >= 0
        vectors[unchanged] = self._base.vectors(rows[unchanged])
        vectors[changed] = self._changed.vectors(places[changed])
        return vectors

    def _search_base(self, vector: NDArray[np.float32], k: int) -> tuple[Rows, Scores]:
        """The k best unchanged rows: more is asked for until there are so many."""
        breadth = k + int(np.ceil(2 * k * self._replaced))
        while True:
            rows, scores = self._base.search(vector, breadth)
            kept = self._places[rows] == UNCHANGED
            if np.count_nonzero(kept) >= k or len(rows) < breadth:
                return rows[kept], scores[kept]
            breadth *= 2

    def _search_changed(
        self, vector: NDArray[np.float32], k: int, places: Rows | None
    ) -> tuple[Rows, Scores]:
        found, scores = self._changed.search(vector, k, places)
        return self._rows[found], scores

    def _check(self, rows: Rows) -> None:
        if len(rows) and not (-1 <= rows.min() and rows.max() < len(self._places)):
            raise VectorsError(
                f"rows {rows.min()} to {rows.max()}, but there are {len(self._places)}"
            )
