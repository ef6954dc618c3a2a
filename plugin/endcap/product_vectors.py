"""Where the vectors of candidates come from: a folder at hand, or the answers of the engine."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from endcap.keys import Hits, Keys
from endcap.steps import Call, Steps
from endcap_indexer.generations import Generation
from endcap_indexer.vectors import PACKED_VECTOR, VectorIndex, unpack_vectors

Vectors = NDArray[np.float32]


class ProductVectors(Protocol):
    """options: what a search asks of its hits beside their rows.

    Vectors are (n, d) float32 unit rows; nan for a product that has none.
    """

    options: Mapping[str, Any]

    def brought(self, hits: Hits) -> Vectors:
        """What an answer brings of its hits; d is 0 where the vectors are at hand."""

    def of(self, rows: NDArray[np.int64], brought: Sequence[Vectors]) -> Vectors:
        """The vectors of the rows, for which these were brought, one after the other."""

    def fetch(self, rows: NDArray[np.int64]) -> Steps[Vectors]:
        """The vectors of rows that no answer brought; nan for row -1."""


class FolderVectors:
    """They lie in the generation's folder."""

    def __init__(self, index: VectorIndex) -> None:
        self.options: Mapping[str, Any] = {}
        self._index = index

    def brought(self, hits: Hits) -> Vectors:
        return np.empty((len(hits), 0), np.float32)

    def of(self, rows: NDArray[np.int64], brought: Sequence[Vectors]) -> Vectors:
        return self._index.vectors(rows)

    def fetch(self, rows: NDArray[np.int64]) -> Steps[Vectors]:
        return self._index.vectors(rows)
        yield  # they are at hand


class ClusterVectors:
    """They lie in the documents."""

    def __init__(self, index: str, generation: Generation, keys: Keys) -> None:
        self.options: Mapping[str, Any] = {"script_fields": PACKED_VECTOR}
        self._index = index
        self._keys = keys
        self._dimension = generation.manifest.dimension

    def brought(self, hits: Hits) -> Vectors:
        return unpack_vectors(hits, self._dimension).astype(np.float32)

    def of(self, rows: NDArray[np.int64], brought: Sequence[Vectors]) -> Vectors:
        nothing = np.empty((0, self._dimension), np.float32)
        return np.concatenate([nothing, *(vectors for vectors in brought if len(vectors))])

    def fetch(self, rows: NDArray[np.int64]) -> Steps[Vectors]:
        fetched = np.full((len(rows), self._dimension), np.nan, np.float32)
        wanted = np.unique(rows[rows >= 0])
        if not len(wanted):
            return fetched
        query = {"bool": {"filter": [self._keys.among(wanted)]}}
        body = {"query": query, "size": len(wanted), **self._keys.options, **self.options}
        answer = yield Call("search", {"index": self._index, "body": body})
        hits = answer["hits"]["hits"]
        found = yield from self._keys.rows(hits)
        vectors = dict(zip(found.tolist(), self.brought(hits), strict=True))
        for place, row in enumerate(rows.tolist()):
            fetched[place] = vectors.get(row, np.nan)
        return fetched
