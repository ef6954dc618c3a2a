"""The lexical leg, and how every leg asks the engine: by row, where the documents hold it.

The legs of one search are a few steps each, run in rounds or side by side. The lexical leg is the
caller's own search, asked for the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.conditions import Query
from endcap.keys import Hits, IdKeys, Keys
from endcap.opening import Snapshot
from endcap.requests import SUGGESTIONS, TOTALS, SearchRequest
from endcap.steps import Call, Steps

# What decorates a hit, or the answer as a whole: asked for once, with the page.
DECORATIONS = (
    "_source", "_source_includes", "_source_excludes", "stored_fields", "docvalue_fields", "fields",
    "script_fields", "highlight", "explain", "version", "seq_no_primary_term", "profile", "ext",
    "aggs", "aggregations", "filter_path", "from", "size", "include_named_queries_score", "ignore",
    "collapse",
)  # fmt: skip


class Scored(NamedTuple):
    """Products by row, best first: rows (n,) int64, scores (n,) float32 of the caller's query."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "Scored":
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Scored":
        """Those at some places, or where a mask says so."""
        return Scored(self.rows[which], self.scores[which])

    def and_then(self, others: "Scored") -> "Scored":
        """These, then the others."""
        rows = np.concatenate([self.rows, others.rows])
        return Scored(rows, np.concatenate([self.scores, others.scores]))

    def first(self, k: int) -> "Scored":
        """The k best."""
        return Scored(self.rows[:k], self.scores[:k])


@dataclass(frozen=True, slots=True)
class LexicalLeg:
    """The caller's own search: its first hits and the answer they came in.

    rows: -1 for a product that the generation does not know. ids: the engine's, where they had to
    be asked for; else empty.
    """

    answer: dict[str, Any]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    ids: Sequence[str]


def lexical_leg(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, window: int
) -> Steps[LexicalLeg]:
    """The first `window` hits of the caller's search; asked again by id when one has no row."""
    leg = yield from _ask(request, snapshot, reading, window, snapshot.keys)
    if leg.ids or (leg.rows >= 0).all():
        return leg
    return (yield from _ask(request, snapshot, reading, window, IdKeys(snapshot.generation)))


def _ask(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, window: int, keys: Keys
) -> Steps[LexicalLeg]:
    kept: dict[str, Any] = {"track_scores": True} if reading.sorted else {}
    if reading.collapse is not None:
        kept["collapse"] = {"field": reading.collapse}
    asked = request.without(*DECORATIONS).asking(
        snapshot.index, size=window, **keys.options, **kept
    )
    answer = yield Call("search", asked.as_leg().keywords())
    hits = answer["hits"]["hits"]
    rows = yield from keys.rows(hits)
    ids = [hit["_id"] for hit in hits if "_id" in hit]
    return LexicalLeg(answer, rows, scores_of(hits), ids)


def ask_rows(request: SearchRequest, snapshot: Snapshot, query: Query, size: int) -> Steps[Scored]:
    """What a query finds under the caller's own URL parameters, post_filter and so on."""
    hits = yield from ask_hits(request, snapshot, query, size)
    rows = yield from snapshot.keys.rows(hits)
    return Scored(rows, scores_of(hits)).take(rows >= 0)


def ask_hits(
    request: SearchRequest, snapshot: Snapshot, query: Query, size: int, **shown: Any
) -> Steps[Hits]:
    """The hits themselves, which show their rows and what else is asked for."""
    asked = request.without(*DECORATIONS, *SUGGESTIONS, *TOTALS, "sort").asking(
        snapshot.index,
        query=query,
        size=size,
        **snapshot.keys.options,
        **shown,
        track_total_hits=False,
    )
    answer = yield Call("search", asked.as_leg().keywords())
    hits: Hits = answer["hits"]["hits"]
    return hits


def scores_of(hits: Hits) -> NDArray[np.float32]:
    return np.array([hit["_score"] or 0.0 for hit in hits], dtype=np.float32)
