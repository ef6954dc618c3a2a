"""Exact search, for catalogues small enough that it costs less than a millisecond."""

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.vectors.stored import Rows, Scores, StoredVectors, best


class FlatIndex:
    """One matrix product over all vectors, held in memory as float32."""

    def __init__(self, stored: NDArray[np.float16]) -> None:
        self._stored = StoredVectors(stored)
        chunks = list(self._stored.chunks())
        nothing = np.empty((0, self._stored.dimension), np.float32)
        self._rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in chunks)])
        self._matrix = np.concatenate([nothing, *(vectors for _, vectors in chunks)])

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: Rows | None = None
    ) -> tuple[Rows, Scores]:
        """The k rows of the highest inner product and these products, best first."""
        self._stored.check_query(vector)
        if allowed is not None:
            return best(allowed, self._stored.score(vector, allowed), k)
        return best(self._rows, self._matrix @ vector, k)

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), d) float32; nan for row -1 and for a product without a vector."""
        return self._stored.vectors(rows)
