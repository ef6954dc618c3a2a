"""The vector leg: what is near in meaning, by the generation's own vector index.

The index finds the rows, the engine decides which of them the caller's conditions allow, and what
the caller's own query says about each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import MAXIMUM_ROWS, Reading
from endcap.exceptions import EncodingError
from endcap.opening import Snapshot
from endcap.recall import Scored, ask_rows
from endcap.requests import SearchRequest
from endcap.steps import Computation, Steps
from endcap_indexer.vectors import VectorIndex


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
    keys = snapshot.keys
    known = keys.known if rows is None else keys.among(rows)
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
    query = {"bool": {"filter": [snapshot.keys.among(unscored), reading.query]}}
    matched = yield from ask_rows(request, snapshot, query, len(unscored))
    return unscored[~np.isin(unscored, matched.rows)]


def _in_order(scored: Scored, rows: NDArray[np.int64]) -> Scored:
    """Those of the rows that are among the scored, in the order of the rows."""
    score_of = dict(zip(scored.rows.tolist(), scored.scores.tolist(), strict=True))
    kept = [row for row in rows.tolist() if row in score_of]
    scores = np.array([score_of[row] for row in kept], dtype=np.float32)
    return Scored(np.array(kept, dtype=np.int64), scores)
