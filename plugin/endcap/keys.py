"""How a hit and its row in the generation find each other.

By doc values, where the documents hold their row; else by `_id`, which the engine reads from stored
fields: that is what a large window costs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from endcap.conditions import Query
from endcap.steps import Computation, Steps
from endcap_indexer.generations import Generation

Hits = Sequence[Mapping[str, Any]]


def by_row(field: str) -> dict[str, Any]:
    """What a search asks of its hits to get nothing but their rows and scores."""
    return {"_source": False, "stored_fields": "_none_", "docvalue_fields": [field]}


class Keys(Protocol):
    """options: what a search asks of its hits. known: the condition that a product has a row."""

    options: Mapping[str, Any]
    known: Query

    def among(self, rows: NDArray[np.int64]) -> Query:
        """The condition that a product is one of these rows."""

    def rows(self, hits: Hits) -> Steps[NDArray[np.int64]]:
        """(len(hits),) int64; -1 for a hit that the generation does not know."""


class RowKeys:
    """By the row in the documents; a document without one, or with a later one, has none yet."""

    def __init__(self, field: str, generation: Generation) -> None:
        self.options: Mapping[str, Any] = by_row(field)
        self.known: Query = {"exists": {"field": field}}
        self._field = field
        self._end = len(generation)

    def among(self, rows: NDArray[np.int64]) -> Query:
        return {"terms": {self._field: rows.tolist()}}

    def rows(self, hits: Hits) -> Steps[NDArray[np.int64]]:
        values = [hit.get("fields", {}).get(self._field, (-1,))[0] for hit in hits]
        rows = np.array(values, dtype=np.int64)
        return np.where(rows < self._end, rows, -1)
        yield  # too little work to leave an event loop for


class IdKeys:
    """By the product's id, which every document has."""

    options: Mapping[str, Any] = {"_source": False}
    known: Query = {"match_all": {}}

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def among(self, rows: NDArray[np.int64]) -> Query:
        return {"ids": {"values": self._generation.ids(rows)}}

    def rows(self, hits: Hits) -> Steps[NDArray[np.int64]]:
        ids = [hit["_id"] for hit in hits]
        rows: NDArray[np.int64] = yield Computation(lambda: self._generation.rows(ids))
        return rows
