"""Ids and rows, each by the other."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Ids:
    """(n,) UTF-8 ids by their place, and their places by halving."""

    def __init__(self, ids: NDArray[np.bytes_], order: NDArray[np.int64]) -> None:
        self._ids = ids
        self._order = order

    @classmethod
    def of(cls, ids: NDArray[np.bytes_]) -> Self:
        return cls(ids, np.argsort(ids, kind="stable").astype(np.int64))

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def encoded(self) -> NDArray[np.bytes_]:
        return self._ids

    def take(self, places: NDArray[np.int64]) -> list[str]:
        return [id.decode() for id in self._ids[places].tolist()]

    def find(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """(len(ids),) int64 places; -1 for an id that is not among them."""
        if not len(self) or not len(ids):
            return np.full(len(ids), -1, np.int64)
        encoded = [id.encode() for id in ids]
        wanted = np.array(encoded, self._ids.dtype)
        found = np.searchsorted(self._ids, wanted, sorter=self._order)
        places = self._order[np.minimum(found, len(self) - 1)]
        # an id wider than the array was cut to its width: only the whole id counts
        whole = np.array([len(id) for id in encoded]) <= self._ids.itemsize
        return np.where((self._ids[places] == wanted) & whole, places, -1)
