"""Products similar to a product, under conditions: by the promoted model, else by their texts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.clusters import ClusterNearest
from endcap.conditions import MATCH_ALL, NotTakenApart, Query, take_apart
from endcap.exceptions import RequestError
from endcap.item_tables import Likeness
from endcap.neighbours import Nearest
from endcap.opening import Snapshot
from endcap.recall import Scored
from endcap.requests import SearchRequest
from endcap.responses import with_extension
from endcap.steps import Call, Computation, Steps
from endcap_indexer.vectors import VectorIndex

OWN = ("query", "from", "size", "sort", "track_total_hits")  # what says which products there are


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What is asked, of which index, and by whose word: the model's, or that of the texts."""

    vector: NDArray[np.float32]
    index: VectorIndex | None  # None: the vectors lie in the cluster
    by: str


def similar(request: SearchRequest, snapshot: Snapshot, item: str) -> Steps[Any]:
    """The products most like another one, most alike first, as a search answers.

    The request's query binds as a condition. Raises `RequestError` for a product that is not known
    or a query that cannot be taken apart.
    """
    row = int(snapshot.generation.rows([item])[0])
    if row < 0:
        raise RequestError(f"item {item!r} is no product of {snapshot.generation.name}")
    likeness = yield from _likeness(snapshot, item, row)
    reading = _read(request, item)
    bound = request.without(*OWN).asking(snapshot.index, query=reading.query)
    window = 2 * (reading.size + 1)  # of which half is enough, the product itself being near too
    common = (bound, snapshot, reading, likeness.vector, window, -np.inf)
    index = likeness.index
    nearest = ClusterNearest(*common) if index is None else Nearest(*common, index)
    found = (yield from nearest.find()).first(reading.size)
    cosines = yield from _cosines(snapshot, likeness, found)
    wanted = {"bool": {"filter": [snapshot.keys.among(found.rows)]}}
    shown = request.without(*OWN).asking(snapshot.index, query=wanted, size=len(found.rows))
    answer = yield Call("search", shown.keywords())
    ids = snapshot.generation.ids(found.rows)
    extension = {
        "applied": True,
        "reason": None,
        "generation": snapshot.generation.name,
        "model": snapshot.model,
        "by": likeness.by,
    }
    return with_extension(_in_order(answer, dict(zip(ids, cosines, strict=True))), extension)


def _likeness(snapshot: Snapshot, item: str, row: int) -> Steps[_Likeness]:
    rows = np.array([row], dtype=np.int64)
    if (table := snapshot.item_table) is not None:
        (vector,) = table.vectors(rows)
        if not np.isnan(vector).any():
            return _Likeness(vector, Likeness(table), "model")
    (vector,) = yield from snapshot.vectors.fetch(rows)
    if np.isnan(vector).any():
        raise RequestError(f"item {item!r} has no text vector, and no model knows it")
    return _Likeness(vector, None if snapshot.clustered else snapshot.generation.index, "text")


def _read(request: SearchRequest, item: str) -> Reading:
    """The caller's query without the product itself."""
    itself: Query = {"ids": {"values": [item]}}
    asked = request.body.get("query", MATCH_ALL)
    query = {"bool": {"must": [asked], "must_not": [itself]}}
    try:
        apart = take_apart(query)
    except NotTakenApart as reason:
        raise RequestError(f"similar products cannot be found under {reason}") from None
    _, size = request.page
    return Reading(
        query=query,
        text="",
        apart=apart,
        untaken=None,
        start=0,
        size=size,
        sorted=False,
        collapse=None,
    )


def _cosines(snapshot: Snapshot, likeness: _Likeness, found: Scored) -> Steps[list[float]]:
    """Of the found rows, in their order."""
    vector, index, rows = likeness.vector, likeness.index, found.rows
    if index is None:
        vectors = yield from snapshot.vectors.fetch(rows)
        return [float(cosine) for cosine in vectors @ vector]
    ordered, cosines = yield Computation(lambda: index.search(vector, len(rows), rows))
    cosine_of = dict(zip(ordered.tolist(), cosines.tolist(), strict=True))
    return [cosine_of[row] for row in rows.tolist()]


def _in_order(answer: dict[str, Any], cosines: dict[str, float]) -> dict[str, Any]:
    """The answer with its hits by their likeness; one deleted meanwhile is left out."""
    hits = {hit["_id"]: hit for hit in answer["hits"]["hits"]}
    ordered = [{**hits[id], "_score": cosine} for id, cosine in cosines.items() if id in hits]
    best = ordered[0]["_score"] if ordered else None
    total = {"value": len(ordered), "relation": "eq"}
    return {
        **answer,
        "hits": {**answer["hits"], "total": total, "max_score": best, "hits": ordered},
    }
