"""Recall: the legs of one search, each a few steps, run side by side by the driver.

The lexical leg is the caller's own search, asked for the window by doc values: reading `_id` from
stored fields is what a large window costs. The vector leg takes its rows from the vector index and
lets the engine decide which of them the caller's conditions allow, and what the caller's own query
says about each.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.conditions import Query
from endcap.exceptions import EncodingError
from endcap.requests import SearchRequest
from endcap.snapshots import Snapshot
from endcap.steps import Call, Computation, Steps
from endcap_indexer.vectors import VectorIndex

ROW = "endcap.row"
MAXIMUM_ROWS = 10_000  # of one answer: index.max_result_window
BY_ROW = {"_source": False, "stored_fields": "_none_", "docvalue_fields": [ROW]}
# What decorates a hit or the answer as a whole; asked for once, with the page.
DECORATIONS = (
    "_source", "_source_includes", "_source_excludes", "stored_fields", "docvalue_fields", "fields",
    "script_fields", "highlight", "explain", "version", "seq_no_primary_term", "profile",
    "aggs", "aggregations", "filter_path", "from", "size", "rest_total_hits_as_int",
    "include_named_queries_score", "typed_keys",
)  # fmt: skip


class Scored(NamedTuple):
    """Products by row, best first: rows (n,) int64, scores (n,) float32."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "Scored":
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class LexicalLeg:
    """The caller's own search: its first hits and the answer they came in.

    rows: (n,) of the catalogue, -1 for a product that the generation does not know. ids: the
    engine's ids where they had to be asked for (`by_id`), else empty.
    """

    answer: dict[str, Any]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    ids: list[str]


@dataclass(frozen=True, slots=True)
class VectorLeg:
    """rows, cosines: allowed by the conditions, above the floor, best first; lexical: what the
    caller's query says.

    found: the rows that only this leg finds when a post_filter, which aggregations do not see, is
    left out.
    """

    query_vector: NDArray[np.float32] | None
    rows: NDArray[np.int64]
    cosines: NDArray[np.float32]
    lexical: NDArray[np.float32]
    found: NDArray[np.int64]

    @classmethod
    def nothing(cls, query_vector: NDArray[np.float32]) -> "VectorLeg":
        rows, scores = Scored.nothing()
        return cls(query_vector, rows, scores, scores, rows)


def lexical_leg(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, window: int
) -> Steps[LexicalLeg]:
    """The first `window` hits of the caller's search; asked by `_id` when one carries no row."""
    plain = request.without(*DECORATIONS)
    sorting = {"track_scores": True} if reading.sort else {}
    asked = plain.asking(snapshot.index, size=window, **BY_ROW, **sorting)
    answer = yield Call("search", asked.keywords())
    hits = answer["hits"]["hits"]
    if all("fields" in hit for hit in hits):
        rows, scores = _rows_of(hits)
        return LexicalLeg(answer, rows, scores, [])
    asked = plain.asking(snapshot.index, size=window, _source=False, **sorting)
    answer = yield Call("search", asked.keywords())
    hits = answer["hits"]["hits"]
    ids = [hit["_id"] for hit in hits]
    return LexicalLeg(answer, snapshot.generation.rows(ids), _scores_of(hits), ids)


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
    queries = snapshot.queries
    if queries is None:
        raise EncodingError("the vectors are the shop's own and no encoder for queries was given")
    query_vector = yield Computation(lambda: queries.encode_query(reading.text))
    if reading.conditions is None or recall == "lexical":
        return VectorLeg.nothing(query_vector)
    index = snapshot.generation.index
    near = yield from _near(index, query_vector, window, floor)
    allowed = yield from _allowed(request, snapshot, reading, near)
    # A list that the floor cut short holds all there is; one of full length may hide allowed rows.
    if len(near) == window and len(allowed.rows) < window // 2:
        allowed = yield from _among_all(request, snapshot, reading, query_vector, floor)
    rows, cosines = yield Computation(lambda: index.search(query_vector, window, allowed.rows))
    rows, cosines = rows[cosines >= floor], cosines[cosines >= floor]
    lexical = _look_up(allowed, rows)
    found = rows[lexical <= 0]
    if "post_filter" in request.body and request.aggregates:
        without = yield from _allowed(request.without("post_filter"), snapshot, reading, near)
        found = without.rows[without.scores <= 0]
    return VectorLeg(query_vector, rows, cosines, lexical, found)


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
    """Under a restrictive condition: every row that it allows, or, where these are too many, a far
    longer list.
    """
    allowed = yield from _allowed(request, snapshot, reading, None)
    if len(allowed.rows) < MAXIMUM_ROWS:
        return allowed
    far = yield from _near(snapshot.generation.index, query_vector, MAXIMUM_ROWS, floor)
    return (yield from _allowed(request, snapshot, reading, far))


def _allowed(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, rows: NDArray[np.int64] | None
) -> Steps[Scored]:
    """Which of the rows (None: of all) the conditions allow, scored by the caller's query: 0, it
    does not match.
    """
    if rows is not None and len(rows) == 0:
        return Scored.nothing()
    among: list[Query] = [] if rows is None else [{"terms": {ROW: rows.tolist()}}]
    known = [{"exists": {"field": ROW}}] if rows is None else among
    query = {"bool": {"filter": [*known, *(reading.conditions or ())], "should": [reading.query]}}
    size = MAXIMUM_ROWS if rows is None else len(rows)
    return (yield from ask_rows(request, snapshot, query, size))


def ask_rows(request: SearchRequest, snapshot: Snapshot, query: Query, size: int) -> Steps[Scored]:
    """What a query finds under the caller's own URL parameters, post_filter and so on."""
    asked = request.without(*DECORATIONS, "sort", "suggest", "terminate_after").asking(
        snapshot.index, query=query, size=size, **BY_ROW, track_total_hits=False
    )
    answer = yield Call("search", asked.keywords())
    return Scored(*_rows_of(answer["hits"]["hits"]))


def _rows_of(hits: list[dict[str, Any]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = np.array([hit["fields"][ROW][0] for hit in hits], dtype=np.int64)
    return rows, _scores_of(hits)


def _scores_of(hits: list[dict[str, Any]]) -> NDArray[np.float32]:
    return np.array([hit["_score"] or 0.0 for hit in hits], dtype=np.float32)


def _look_up(scored: Scored, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The score of each of the rows, all of them among the scored."""
    order = np.argsort(scored.rows)
    found: NDArray[np.float32] = scored.scores[order[np.searchsorted(scored.rows[order], rows)]]
    return found
