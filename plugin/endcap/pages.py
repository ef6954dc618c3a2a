"""The page: where it lies in the re-ranked window and behind it, and the requests that fetch its
hits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from endcap.bodies import Reading
from endcap.conditions import Query
from endcap.fusion import Window
from endcap.requests import SearchRequest

# What the window's request has answered already, or would count again.
ANSWERED = (
    "from", "size", "post_filter", "min_score", "suggest", "track_total_hits", "terminate_after",
)  # fmt: skip
TOTAL = {"track_total_hits": False, "track_scores": True}


@dataclass(frozen=True, slots=True)
class Page:
    """positions: of the candidates on this page, best first. start, size: of what follows in the
    engine's own order, the window's ids left out.
    """

    positions: Sequence[int]
    start: int
    size: int


def cut(order: Sequence[int], reading: Reading, *, more: bool) -> Page:
    """The page of an order; `more`: the engine may have more hits than the window holds."""
    end = reading.start + reading.size
    positions = order[reading.start : end]
    missing = reading.size - len(positions)
    return Page(positions, max(0, reading.start - len(order)), missing if more else 0)


def head_request(
    request: SearchRequest, index: str, reading: Reading, window: Window, page: Page
) -> SearchRequest:
    """The page's candidates as the caller wants to see them; aggregations count the union of both
    legs.
    """
    wanted = {"ids": {"values": [window.ids[position] for position in page.positions]}}
    found: Query = {"bool": {"filter": [wanted], "should": [reading.query]}}
    body: dict[str, Any] = {"query": found, "size": len(page.positions), **TOTAL}
    if request.aggregates:
        body["query"], body["post_filter"] = _union(reading, window), wanted
    return request.without(*ANSWERED, "filter_path", "rest_total_hits_as_int").asking(index, **body)


def tail_request(
    request: SearchRequest, index: str, reading: Reading, window: Window, page: Page
) -> SearchRequest:
    """What follows the window: the engine's own order without the window's ids."""
    shown = {"ids": {"values": window.ids}}
    allowed = [request.body["post_filter"]] if "post_filter" in request.body else []
    body: dict[str, Any] = {
        "post_filter": {"bool": {"filter": allowed, "must_not": [shown]}},
        "query": reading.query,
        "from": page.start,
        "size": page.size,
        **TOTAL,
    }
    kept = request.without(
        "from", "size", "suggest", "track_total_hits", "filter_path", "rest_total_hits_as_int"
    )
    if page.positions:
        return kept.without("aggs", "aggregations").asking(index, **body)
    if request.aggregates:
        body["query"] = _union(reading, window)
    return kept.asking(index, **body)


def _union(reading: Reading, window: Window) -> Query:
    """What the caller's query finds and what only the vector leg found, which scores nothing."""
    if not window.found:
        return reading.query
    conditions = list(reading.conditions or ())
    extras = {"bool": {"filter": [{"ids": {"values": window.found}}, *conditions]}}
    return {"bool": {"should": [reading.query, extras], "minimum_should_match": 1}}
