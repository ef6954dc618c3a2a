"""The page: where it lies in the re-ranked window and behind it, and what fetches its hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from endcap.bodies import Reading
from endcap.conditions import Query
from endcap.fusion import Window
from endcap.groups import among_groups
from endcap.requests import SUGGESTIONS, TOTALS, SearchRequest

# What the window's request has answered already.
ANSWERED = ("from", "size", "filter_path", "ignore", *SUGGESTIONS, *TOTALS)
# What has decided already which hits there are, and would now only get in the way of them.
DECIDED = ("post_filter", "min_score")
SHOW_MATCHES = ("highlight", "script_fields")
SHOW_MATCHES_WITHIN = ("inner_hits", "_name")
PAGE = {"track_total_hits": False, "track_scores": True}
FILTERED = {"track_total_hits": True, "track_scores": True}  # see `SearchRequest.as_leg`


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
    """The page's candidates as the caller wants to see them, and the aggregations.

    What counts, explains or looks for inner hits goes by the caller's own query.
    """
    plain = request.without(*ANSWERED, "post_filter")
    wanted: Query = {"ids": {"values": [window.ids[position] for position in page.positions]}}
    size = len(page.positions)
    if reading.collapse is not None:  # the engine chooses again what stands for each group
        groups = [window.groups[position] for position in page.positions]
        among = among_groups(reading.collapse, groups)
        wanted = {"bool": {"filter": [*_allowed(request), among]}}
    elif shown := [each for each in _allowed(request) if _names_matches(each)]:
        wanted = {"bool": {"filter": [*shown, wanted]}}
    if reading.collapse is not None or request.aggregates or request.option("explain"):
        query = _union(reading, window)
        return plain.asking(index, query=query, post_filter=wanted, size=size, **FILTERED)
    found: dict[str, Any] = {"filter": [wanted]}
    if _shows_matches(request, reading.query):
        found["should"] = [reading.query]
    return plain.without(*DECIDED).asking(index, query={"bool": found}, size=size, **PAGE)


def _allowed(request: SearchRequest) -> list[Query]:
    """The caller's own post_filter, if there is one."""
    return [request.body["post_filter"]] if "post_filter" in request.body else []


def _shows_matches(request: SearchRequest, query: Query) -> bool:
    """Whether hits say how the query matched them; else the page need not run it once more."""
    asked = any(request.option(name) for name in SHOW_MATCHES)
    return asked or _names_matches(query)


def _names_matches(query: Query) -> bool:
    return any(f"'{name}'" in repr(query) for name in SHOW_MATCHES_WITHIN)


def tail_request(
    request: SearchRequest, index: str, reading: Reading, window: Window, page: Page
) -> SearchRequest:
    """What follows the window: the engine's own order without the window's ids."""
    seen: Query = {"ids": {"values": window.ids}}
    if reading.collapse is not None:
        seen = among_groups(reading.collapse, window.groups)
    others = {"bool": {"filter": _allowed(request), "must_not": [seen]}}
    plain = request.without(*ANSWERED)
    if page.positions:  # the head has counted
        plain = plain.without("aggs", "aggregations")
    return plain.asking(
        index,
        query=_union(reading, window) if plain.aggregates else reading.query,
        post_filter=others,
        **{"from": page.start, "size": page.size},
        **FILTERED,
    )


def _union(reading: Reading, window: Window) -> Query:
    """What the caller's query finds and what only another leg found, which scores nothing."""
    if not window.counted:
        return reading.query
    extras: Query = {"bool": {"filter": [{"ids": {"values": window.counted}}]}}
    return {"bool": {"should": [reading.query, extras], "minimum_should_match": 1}}
