"""_search and _count on one index."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from .aggregations import aggregate
from .arguments import parsing_error
from .clauses import Clause
from .collapsing import choose_best
from .failures import ShardFailure
from .highlights import add_highlights
from .hits import needs_documents, render_hits
from .lexical import LexicalIndex
from .queries import parse_query
from .ranking import Hit, narrow, rank
from .search_request import SearchRequest, read_request
from .snapshots import DocumentsGone, Snapshot
from .sorting import Key, read_sort, sort_hits

SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
ATTEMPTS = 5
BEST_FIRST = Key("_score", True)
T = TypeVar("T")


class Found(NamedTuple):
    """What a search has found; ``sorts`` are the sort values of each hit, if it is sorted."""

    everything: Clause  # without the post filter
    clause: Clause
    keys: list[Key]
    total: int
    hits: list[Hit]
    sorts: list[list[Any]]


def search(
    lexical: LexicalIndex, body: dict[str, Any], params: Mapping[str, str]
) -> dict[str, Any]:
    """The whole response; RequestError as the server answers, or 400 by name."""
    started = time.perf_counter()
    request = read_request(body, params)
    response = _on_snapshot(lexical, lambda snapshot: _answer(snapshot, request))
    took = int((time.perf_counter() - started) * 1000)
    return {"took": took, "timed_out": False, "_shards": SHARDS, **response}


def count(lexical: LexicalIndex, body: dict[str, Any]) -> dict[str, Any]:
    """The response of _count."""
    for key in body.keys() - {"query"}:
        raise parsing_error(f"request does not support [{key}]")

    def answer(snapshot: Snapshot) -> int:
        clause = _find(snapshot, body.get("query"))
        return rank(snapshot, clause, 0, None, True).total

    return {"count": _on_snapshot(lexical, answer), "_shards": SHARDS}


def _on_snapshot(lexical: LexicalIndex, answer: Callable[[Snapshot], T]) -> T:
    """Once more on a newer snapshot when documents were purged in between."""
    snapshot = lexical.snapshot()
    for _ in range(ATTEMPTS):
        try:
            return answer(snapshot)
        except DocumentsGone:
            snapshot = lexical.reload()
    return answer(snapshot)


def find_hits(snapshot: Snapshot, request: SearchRequest, window: int) -> Found:
    """The best ``window`` hits at least, in order; all of them where they are collapsed."""
    everything = _find(snapshot, request.query)
    clause = everything
    if request.post_filter is not None:
        clause = narrow(clause, parse_query(snapshot, request.post_filter))
    keys = read_sort(snapshot, request.sort)
    if keys:
        total, hits, sorts = sort_hits(snapshot, clause, keys, request)
        return _collapse(snapshot, request, Found(everything, clause, keys, total, hits, sorts))
    if request.search_after is not None:
        raise ShardFailure("illegal_argument_exception", "Sort must contain at least one field.")
    wanted = window if request.collapse is None else snapshot.size
    ranked = rank(snapshot, clause, wanted, request.min_score, request.totals.is_shown)
    found = Found(everything, clause, keys, ranked.total, ranked.hits, [])
    return _collapse(snapshot, request, found)


def _collapse(snapshot: Snapshot, request: SearchRequest, found: Found) -> Found:
    """The total is that of all hits, and a score is no sort value, as on the server."""
    if request.collapse is None:
        return found
    if request.search_after is not None and [key.field for key in found.keys] != [request.collapse]:
        raise ShardFailure(
            "search_exception",
            "collapse field and sort field must be the same when use `collapse` in conjunction with"
            " `search_after`",
            status=500,
        )
    best = choose_best(snapshot, request.collapse, found.hits)
    hits = [found.hits[position] for position in best]
    is_sorted = any(key.field != "_score" for key in found.keys)
    sorts = [found.sorts[position] for position in best] if is_sorted else []
    return found._replace(hits=hits, sorts=sorts)


def show_hits(
    snapshot: Snapshot, request: SearchRequest, found: Found, start: int
) -> dict[str, Any]:
    """The section ``hits`` of a response: ``request.size`` hits from ``start`` on."""
    by_score = not found.keys or request.track_scores
    scored = by_score or any(key.field == "_score" for key in found.keys)
    best = by_score or found.keys[0] == BEST_FIRST
    page = found.hits[start : start + request.size]
    documents = {}
    if page and needs_documents(request):
        documents = snapshot.fetch([hit.seq_no for hit in page])
    shown = render_hits(snapshot, request, page, documents, scored)
    if request.highlight:
        add_highlights(snapshot, request.highlight, found.clause, page, documents, shown)
    if found.sorts:
        for hit, values in zip(shown, found.sorts[start : start + request.size], strict=True):
            hit["sort"] = values
    most = max((hit.score for hit in found.hits), default=None) if request.size and best else None
    return {**request.totals.show(found.total), "max_score": most, "hits": shown}


def show_aggregations(snapshot: Snapshot, request: SearchRequest, found: Found) -> dict[str, Any]:
    """The section ``aggregations``, or nothing where none was asked for."""
    if not request.aggregations:
        return {}
    return {"aggregations": aggregate(snapshot, found.everything, request)}


def _answer(snapshot: Snapshot, request: SearchRequest) -> dict[str, Any]:
    window = request.start + request.size if request.size else 0
    found = find_hits(snapshot, request, window)
    hits = show_hits(snapshot, request, found, request.start)
    return {"hits": hits, **show_aggregations(snapshot, request, found)}


def _find(snapshot: Snapshot, query: Any) -> Clause:
    return parse_query(snapshot, {"match_all": {}} if query is None else query)
