"""Query vectors, remembered: a shop's shoppers type the same few queries again and again."""

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.encoder.encoder import Encoder


class CacheCounters(NamedTuple):
    hits: int
    misses: int
    size: int


class QueryCache:
    """The vectors of the texts used last, at most `capacity` of them (1.5 kB each). Thread-safe."""

    def __init__(self, encoder: Encoder, capacity: int = 10_000) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}; it must be 1 or more")
        self.encoder = encoder
        self._capacity = capacity
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = 0

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """(dimension,), unit length, read-only."""
        if (known := self.lookup(text)) is not None:
            return known
        # Outside the lock: a miss must not hold up the hits. Two threads may compute the same.
        vector: NDArray[np.float32] = self.encoder.encode_queries([text])[0].copy()
        vector.flags.writeable = False
        with self._lock:
            self._vectors[text] = vector
            self._vectors.move_to_end(text)
            if len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)
        return vector

    def lookup(self, text: str) -> NDArray[np.float32] | None:
        """The vector if it is known; counts as a hit or a miss and computes nothing."""
        with self._lock:
            vector = self._vectors.get(text)
            if vector is None:
                self._misses += 1
                return None
            self._hits += 1
            self._vectors.move_to_end(text)
            return vector

    @property
    def counters(self) -> CacheCounters:
        with self._lock:
            return CacheCounters(self._hits, self._misses, len(self._vectors))
