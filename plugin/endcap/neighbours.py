"""The vector leg, what is near in meaning by the generation's own vector index, and the user leg,
what a model says that the shopper would like.

The index finds the rows, the engine decides which of them the caller's conditions allow, and what
the caller's own query says about each. Vectors in the cluster are `clusters`' affair.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import MAXIMUM_ROWS, Reading
from endcap.clusters import ClusterNearest
from endcap.conditions import Query
from endcap.item_tables import ItemTable
from endcap.opening import Snapshot
from endcap.recall import Scored, ask_rows
from endcap.requests import SearchRequest
from endcap.steps import Computation, Steps
from endcap_indexer.vectors import VectorIndex

# What a row of a list costs, beside an allowed row that the engine answers and the index scores. Of
# 19,406 products, 2,000 rows are found in 8 ms and looked up in 5, or answered in 6, scored in 1.
LISTED = 1.5
# Windows in the first list under a condition. Recall@100 of 200,000 synthetic vectors where half is
# allowed: .973 with one, .989 with two, and no second list.
AHEAD = 2


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

    @classmethod
    def of(cls, query_vector: NDArray[np.float32]) -> "VectorLeg":
        """Nothing is looked for: the text orders what the other legs find."""
        found = Scored.nothing()
        return cls(query_vector, found, found.rows, found.rows)


def vector_leg(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    window: int,
    query_vector: NDArray[np.float32],
    floor: float,
) -> Steps[VectorLeg]:
    """The products nearest to the text that the caller's conditions allow and the floor admits."""
    common = (request, snapshot, reading, query_vector, window, floor)
    index = snapshot.generation.index
    nearest = ClusterNearest(*common) if snapshot.clustered else Nearest(*common, index)
    found = yield from nearest.find()
    extra = yield from _not_found(request, snapshot, reading, found)
    counted = extra
    if "post_filter" in request.body and request.aggregates:
        seen = request.without("post_filter")
        every = yield from replace(nearest, request=seen).find()
        counted = np.union1d(extra, (yield from _not_found(seen, snapshot, reading, every)))
    return VectorLeg(query_vector, found, extra, counted)


def user_leg(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    window: int,
    items: ItemTable,
    state: NDArray[np.float32],
) -> Steps[Scored]:
    """What suits a shopper's state (d,) most, of what the caller's query finds."""
    nearest = Nearest(request, snapshot, reading, state, window, -np.inf, items)
    found = yield from nearest.find()
    absent = yield from _not_found(request, snapshot, reading, found)
    return found.take(~np.isin(found.rows, absent))


class _Listed(NamedTuple):
    """length: of the list that was asked for. near: its rows above the floor, nearest first.
    allowed: those that the conditions allow, in the engine's order.
    """

    length: int
    near: NDArray[np.int64]
    allowed: Scored


@dataclass(frozen=True, slots=True)
class Nearest:
    """The search for at most `window` rows that the conditions allow."""

    request: SearchRequest
    snapshot: Snapshot
    reading: Reading
    query_vector: NDArray[np.float32]
    window: int
    floor: float
    index: VectorIndex

    def find(self) -> Steps[Scored]:
        """Nearest first, with the scores of the caller's query.

        Of the first few a restrictive condition may leave too little. What it leaves says how long
        a list holds enough, and whether asking for all that it allows costs less.
        """
        conditions = self.reading.apart.conditions or "post_filter" in self.request.body
        listed = yield from self._list(self.window * (AHEAD if conditions else 1))
        if not self._suffices(listed) and (length := self._longer(listed)):
            listed = yield from self._list(length)
        if not self._suffices(listed):
            allowed = yield from self._allowed(self.snapshot.keys.known, MAXIMUM_ROWS)
            if len(allowed.rows) < MAXIMUM_ROWS:
                near = yield from self._near(self.window, allowed.rows)
                return _in_order(allowed, near)
            return (yield from self._walk())
        return _in_order(listed.allowed, listed.near).first(self.window)

    def _list(self, length: int) -> Steps[_Listed]:
        near = yield from self._near(length)
        return _Listed(length, near, (yield from self._among(near)))

    def _walk(self) -> Steps[Scored]:
        """All rows from the nearest on, as many at once as the engine answers, until enough are
        allowed: under conditions that leave much, but little of what is near.
        """
        every = np.arange(len(self.snapshot.generation))
        near = yield from self._near(len(every), every)
        found = Scored.nothing()
        for start in range(0, len(near), MAXIMUM_ROWS):
            some = near[start : start + MAXIMUM_ROWS]
            found = found.and_then(_in_order((yield from self._among(some)), some))
            if len(found.rows) >= self._enough:
                break
        return found.first(self.window)

    @property
    def _enough(self) -> int:
        return max(1, self.window // 2)

    def _suffices(self, listed: _Listed) -> bool:
        """A list that the floor cut short holds all there is; a full one may hide allowed rows."""
        return len(listed.near) < listed.length or len(listed.allowed.rows) >= self._enough

    def _longer(self, listed: _Listed) -> int | None:
        """The length of a list that should hold a window of allowed rows; None where all that is
        allowed costs less.
        """
        share = (len(listed.allowed.rows) + 1) / (len(listed.near) + 1)
        length = ceil(self.window / share)
        allowed = min(MAXIMUM_ROWS, share * len(self.snapshot.generation))
        return length if length <= MAXIMUM_ROWS and length * LISTED < allowed else None

    def _near(self, k: int, among: NDArray[np.int64] | None = None) -> Steps[NDArray[np.int64]]:
        """The k nearest rows above the floor, by exact search where it is among some."""
        rows, cosines = yield Computation(lambda: self.index.search(self.query_vector, k, among))
        near: NDArray[np.int64] = rows[cosines >= self.floor]
        return near

    def _among(self, rows: NDArray[np.int64]) -> Steps[Scored]:
        if not len(rows):
            return Scored.nothing()
        return (yield from self._allowed(self.snapshot.keys.among(rows), len(rows)))

    def _allowed(self, known: Query, size: int) -> Steps[Scored]:
        """Which of the known rows the conditions allow, scored by the caller's query."""
        filters = [known, *self.reading.apart.conditions]
        query = {"bool": {"filter": filters, "should": [self.reading.query]}}
        return (yield from ask_rows(self.request, self.snapshot, query, size))


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
