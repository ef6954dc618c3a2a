"""Recall: the legs of one search, each a few steps, run side by side by the driver.

The lexical leg is the caller's own search, asked for the window by doc values: reading `_id` from
stored fields is what a large window costs. The vector leg takes its rows from the vector index and
lets the engine decide which of them the caller's conditions allow, and what the caller's own query
says about each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import MAXIMUM_ROWS, Reading
from endcap.conditions import Query
from endcap.exceptions import EncodingError
from endcap.opening import Snapshot
from endcap.requests import SearchRequest
from endcap.steps import Call, Computation, Steps
from endcap_indexer.vectors import VectorIndex

ROW = "endcap.row"
BY_ROW = {"_source": False, "stored_fields": "_none_", "docvalue_fields": [ROW]}
# What decorates a hit, or the answer as a whole: asked for once, with the page.
DECORATIONS = (
    "_source", "_source_includes", "_source_excludes", "stored_fields", "docvalue_fields", "fields",
    "script_fields", "highlight", "explain", "version", "seq_no_primary_term", "profile", "ext",
    "aggs", "aggregations", "filter_path", "from", "size", "rest_total_hits_as_int",
    "include_named_queries_score",
)  # fmt: skip


class Scored(NamedTuple):
    """Products by row, best first: rows (n,) int64, scores (n,) float32 of the caller's query."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "Scored":
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))


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


@dataclass(frozen=True, slots=True)
class VectorLeg:
    """What is near in meaning: allowed by the conditions, above the floor, nearest first.

    extra: the rows that the caller's own query does not find. counted: these and what else of that
    kind aggregations count, since they do not see a post_filter.
    """

    query_vector: NDArray[np.float32]
    found: Scored
    extra: NDArray[np.int64]
    counted: NDArray[np.int64]


def lexical_leg(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, window: int
) -> Steps[LexicalLeg]:
    """The first `window` hits of the caller's search; asked again by id when one has no row."""
    plain = request.without(*DECORATIONS)
    sorting = {"track_scores": True} if reading.sorted else {}
    asked = plain.asking(snapshot.index, size=window, **BY_ROW, **sorting)
    answer = yield Call("search", asked.keywords())
    hits = answer["hits"]["hits"]
    if all("fields" in hit for hit in hits):
        return LexicalLeg(answer, _rows_of(hits), _scores_of(hits), ())
    asked = plain.asking(snapshot.index, size=window, _source=False, **sorting)
    answer = yield Call("search", asked.keywords())
    hits = answer["hits"]["hits"]
    ids = [hit["_id"] for hit in hits]
    rows = yield Computation(lambda: snapshot.generation.rows(ids))
    return LexicalLeg(answer, rows, _scores_of(hits), ids)


def vector_leg(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    window: int,
    floor: float,
    recall: str,
) -> Steps[VectorLeg]:
    """The products nearest to the text that the caller's conditions allow and the floor admits.

    With `recall` lexical, or a query that cannot be taken apart, only the query is encoded.
    """
    query_vector = yield from _encode(snapshot, reading.text)
    if reading.untaken is not None or recall == "lexical":
        nothing = Scored.nothing()
        return VectorLeg(query_vector, nothing, nothing.rows, nothing.rows)
    found = yield from _nearest(request, snapshot, reading, query_vector, window, floor)
    extra = yield from _not_found(request, snapshot, reading, found)
    counted = extra
    if "post_filter" in request.body and request.aggregates:
        seen = request.without("post_filter")
        every = yield from _nearest(seen, snapshot, reading, query_vector, window, floor)
        counted = np.union1d(extra, (yield from _not_found(seen, snapshot, reading, every)))
    return VectorLeg(query_vector, found, extra, counted)


def ask_rows(request: SearchRequest, snapshot: Snapshot, query: Query, size: int) -> Steps[Scored]:
    """What a query finds under the caller's own URL parameters, post_filter and so on."""
    asked = request.without(*DECORATIONS, "sort", "suggest", "terminate_after").asking(
        snapshot.index, query=query, size=size, **BY_ROW, track_total_hits=False
    )
    answer = yield Call("search", asked.keywords())
    hits = answer["hits"]["hits"]
    return Scored(_rows_of(hits), _scores_of(hits))


def among(rows: NDArray[np.int64]) -> Query:
    """The condition that a product is one of these rows."""
    return {"terms": {ROW: rows.tolist()}}


def _encode(snapshot: Snapshot, text: str) -> Steps[NDArray[np.float32]]:
    queries = snapshot.queries
    if queries is None:
        raise EncodingError("the vectors are the shop's own and no encoder for queries was given")
    if (known := queries.lookup(text)) is not None:
        return known
    encoded: NDArray[np.float32] = yield Computation(lambda: queries.encode_query(text))
    return encoded


def _nearest(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    query_vector: NDArray[np.float32],
    window: int,
    floor: float,
) -> Steps[Scored]:
    """The nearest rows that the conditions allow, with the scores of the caller's query."""
    index = snapshot.generation.index
    near = yield from _near(index, query_vector, window, floor)
    allowed = yield from _allowed(request, snapshot, reading, near)
    # A list that the floor cut short holds all there is; one of full length may hide allowed rows.
    if len(near) < window or len(allowed.rows) >= max(1, window // 2):
        return _in_order(allowed, near)
    allowed = yield from _among_all(request, snapshot, reading, query_vector, floor)
    rows, cosines = yield Computation(lambda: index.search(query_vector, window, allowed.rows))
    return _in_order(allowed, rows[cosines >= floor])


def _near(
    index: VectorIndex, query_vector: NDArray[np.float32], k: int, floor: float
) -> Steps[NDArray[np.int64]]:
    rows, cosines = yield Computation(lambda: index.search(query_vector, k))
    near: NDArray[np.int64] = rows[cosines >= floor]
    return near


def _among_all(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    query_vector: NDArray[np.float32],
    floor: float,
) -> Steps[Scored]:
    """Under a restrictive condition: all it allows or, if that is too much, a far longer list."""
    allowed = yield from _allowed(request, snapshot, reading, None)
    if len(allowed.rows) < MAXIMUM_ROWS:
        return allowed
    far = yield from _near(snapshot.generation.index, query_vector, MAXIMUM_ROWS, floor)
    return (yield from _allowed(request, snapshot, reading, far))


def _allowed(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, rows: NDArray[np.int64] | None
) -> Steps[Scored]:
    """Which of the rows (None: of all) the conditions allow, scored by the caller's query."""
    if rows is not None and not len(rows):
        return Scored.nothing()
    known: Query = {"exists": {"field": ROW}} if rows is None else among(rows)
    filters = [known, *reading.apart.conditions]
    query = {"bool": {"filter": filters, "should": [reading.query]}}
    size = MAXIMUM_ROWS if rows is None else len(rows)
    return (yield from ask_rows(request, snapshot, query, size))


def _not_found(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, scored: Scored
) -> Steps[NDArray[np.int64]]:
    """The rows that the caller's own query does not find.

    A score above 0 says that it does; a score of 0 says the contrary only where every match scores.
    """
    if not reading.apart.narrows:
        return scored.rows[:0]
    unscored = scored.rows[scored.scores <= 0]
    if reading.apart.positive or not len(unscored):
        return unscored
    query = {"bool": {"filter": [among(unscored), reading.query]}}
    matched = yield from ask_rows(request, snapshot, query, len(unscored))
    return unscored[~np.isin(unscored, matched.rows)]


def _rows_of(hits: list[dict[str, Any]]) -> NDArray[np.int64]:
    return np.array([hit["fields"][ROW][0] for hit in hits], dtype=np.int64)


def _scores_of(hits: list[dict[str, Any]]) -> NDArray[np.float32]:
    return np.array([hit["_score"] or 0.0 for hit in hits], dtype=np.float32)


def _in_order(scored: Scored, rows: NDArray[np.int64]) -> Scored:
    """Those of the rows that are among the scored, in the order of the rows."""
    score_of = dict(zip(scored.rows.tolist(), scored.scores.tolist(), strict=True))
    kept = [row for row in rows.tolist() if row in score_of]
    scores = np.array([score_of[row] for row in kept], dtype=np.float32)
    return Scored(np.array(kept, dtype=np.int64), scores)
