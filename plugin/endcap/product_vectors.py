"""Where the vectors of products come from: a folder at hand, or the cluster and a cache of it."""

import threading
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from endcap.keys import Hits, Keys
from endcap.steps import Call, Computation, Steps
from endcap_indexer.generations import Generation
from endcap_indexer.vectors import PACKED_VECTOR, StoredVectors, VectorIndex, unpack_vectors

CACHED_BYTES = 64 * 2**20  # of one generation's vectors: 87,000 products of 384 numbers

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]
Halves = NDArray[np.float16]


class ProductVectors(Protocol):
    """(n, d) float32 unit rows; nan for row -1 and for a product without a vector."""

    def fetch(self, rows: Rows) -> Steps[Vectors]:
        """The vectors of the rows."""


class FolderVectors:
    """They lie in the generation's folder."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    def fetch(self, rows: Rows) -> Steps[Vectors]:
        vectors: Vectors = yield Computation(lambda: self._index.vectors(rows))
        return vectors


class ClusterVectors:
    """They lie in the documents of an index; the last ones that came are kept."""

    def __init__(self, index: str, generation: Generation, keys: Keys) -> None:
        self._index = index
        self._keys = keys
        self._dimension = generation.manifest.dimension
        size = max(1, CACHED_BYTES // (2 * self._dimension))
        self._cache = VectorCache(len(generation), self._dimension, size)

    def fetch(self, rows: Rows) -> Steps[Vectors]:
        vectors, missing = self._cache.get(rows)
        if not missing.any():
            return vectors
        wanted = np.unique(rows[missing])
        query = {"bool": {"filter": [self._keys.among(wanted)]}}
        body = {"query": query, "size": len(wanted), "track_total_hits": False}
        body |= {**self._keys.options, "script_fields": PACKED_VECTOR, "search_pipeline": "_none"}
        answer = yield Call("search", {"index": self._index, "body": body})
        hits = answer["hits"]["hits"]
        found = yield from self._keys.rows(hits)
        fetched = np.full((len(wanted), self._dimension), np.nan, np.float16)
        fetched[np.searchsorted(wanted, found)] = unpack_vectors(hits, self._dimension)
        self._cache.put(wanted, fetched)
        vectors[missing] = fetched[np.searchsorted(wanted, rows[missing])]
        return vectors

    def take(self, rows: Rows, hits: Hits) -> Vectors:
        """The vectors of hits that were asked for PACKED_VECTOR, and their rows."""
        brought = unpack_vectors(hits, self._dimension)
        self._cache.put(rows[rows >= 0], brought[rows >= 0])
        return brought.astype(np.float32)


class VectorCache:
    """The vectors of the `size` rows that were put in last. Thread-safe."""

    def __init__(self, rows: int, dimension: int, size: int) -> None:
        size = min(size, rows)
        self._place_of = np.full(rows, -1, np.int64)
        self._row_at = np.full(size, -1, np.int64)
        self._stored = StoredVectors(np.empty((size, dimension), np.float16))
        self._next = 0
        self._lock = threading.Lock()

    def get(self, rows: Rows) -> tuple[Vectors, NDArray[np.bool_]]:
        """The vectors of the rows, nan where there is none here, and which of them are missing."""
        with self._lock:
            places = np.where(rows < 0, -1, self._place_of[rows])
            return self._stored.vectors(places), (places < 0) & (rows >= 0)

    def put(self, rows: Rows, vectors: Halves) -> None:
        """Keep the vectors of different rows, those that come last where there are too many."""
        with self._lock:
            new = self._place_of[rows] < 0
            rows, vectors = rows[new][-len(self._row_at) :], vectors[new][-len(self._row_at) :]
            places = (self._next + np.arange(len(rows))) % len(self._row_at)
            replaced = self._row_at[places]
            self._place_of[replaced[replaced >= 0]] = -1
            self._place_of[rows] = places
            self._row_at[places] = rows
            self._stored.stored[places] = vectors
            self._next = (self._next + len(rows)) % len(self._row_at)
