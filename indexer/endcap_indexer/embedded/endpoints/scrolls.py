"""A search whose hits are fetched page after page, as they were when it began."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import illegal_argument, invalid_request
from endcap_indexer.embedded.failures import ShardFailure
from endcap_indexer.embedded.lexical import LexicalIndex
from endcap_indexer.embedded.requests import Request, Response
from endcap_indexer.embedded.scrolls import Scroll
from endcap_indexer.embedded.search import SHARDS, find_hits, show_aggregations, show_hits
from endcap_indexer.embedded.search_request import SearchRequest, read_request
from endcap_indexer.embedded.settings import read_seconds
from endcap_indexer.embedded.totals import ALL, AS_NUMBER

MAX_SECONDS = 24 * 3600.0  # search.max_keep_alive of a server


def begin(
    engine: Engine,
    lexical: LexicalIndex,
    body: dict[str, Any],
    parameters: Mapping[str, str],
    keep_alive: str,
) -> Response:
    """The first page, with the aggregations, and the id that asks for the next one."""
    started = time.monotonic()
    request = _counting_all(read_request(body, parameters))
    seconds = _read_keep_alive(keep_alive)
    engine.documents.pin(lexical.index, seconds)
    snapshot = lexical.snapshot()
    found = find_hits(snapshot, request, max(request.size, snapshot.size))
    scroll = Scroll(snapshot, request, found, time.monotonic() + seconds)
    page = _next_page(engine, scroll, started)
    return Response(200, {**page, **show_aggregations(snapshot, request, found)})


def next_page(engine: Engine, request: Request) -> Response:
    """Without ``scroll`` it is the last one: nothing keeps the scroll open."""
    started = time.monotonic()
    body = request.json()
    for key in body:
        if key not in ("scroll", "scroll_id"):
            raise illegal_argument(f"Unknown parameter [{key}] in request body")
    id = body.get("scroll_id", request.parameters.get("scroll_id"))
    if id is None:
        raise invalid_request("scrollId is missing")
    scroll = engine.scrolls.get(str(id))
    totals = replace(scroll.request.totals, is_number=request.flag(AS_NUMBER))
    scroll.request = replace(scroll.request, totals=totals)
    keep_alive = body.get("scroll", request.parameters.get("scroll"))
    if keep_alive is not None:
        seconds = _read_keep_alive(str(keep_alive))
        engine.documents.pin(scroll.snapshot.index, seconds)
        scroll.expires = time.monotonic() + seconds
    page = _next_page(engine, scroll, started)
    if keep_alive is None:
        engine.scrolls.clear([scroll.id])
    return Response(200, page)


def clear(engine: Engine, request: Request) -> Response:
    """Closes scrolls; 404 where none of them was open."""
    ids = request.json().get("scroll_id", request.parameters.get("scroll_id", []))
    names = ids.split(",") if isinstance(ids, str) else list(map(str, ids))
    if not names:
        raise invalid_request("no scroll ids specified")
    freed = engine.scrolls.clear(names)
    return Response(200 if freed else 404, {"succeeded": True, "num_freed": freed})


def _next_page(engine: Engine, scroll: Scroll, started: float) -> dict[str, Any]:
    start, scroll.position = scroll.position, scroll.position + scroll.request.size
    hits = show_hits(scroll.snapshot, scroll.request, scroll.found, start)
    engine.scrolls.keep(scroll)
    took = int((time.monotonic() - started) * 1000)
    answer = {"_scroll_id": scroll.id, "took": took, "timed_out": False, "_shards": SHARDS}
    return {**answer, "hits": hits}


def _counting_all(request: SearchRequest) -> SearchRequest:
    """The request of a scroll, which counts all its hits; 400 for one that is none."""
    if request.totals.asked not in (None, ALL):
        raise invalid_request("disabling [track_total_hits] is not allowed in a scroll context")
    if request.start:
        raise invalid_request("using [from] is not allowed in a scroll context")
    if not request.size:
        raise invalid_request("[size] cannot be [0] in a scroll context")
    if request.search_after is not None:
        raise invalid_request("`search_after` cannot be used in a scroll context.")
    if request.collapse is not None:
        raise ShardFailure(
            "search_exception", "cannot use `collapse` in a scroll context", status=500
        )
    return replace(request, totals=replace(request.totals, asked=ALL))


def _read_keep_alive(value: str) -> float:
    seconds = read_seconds(value, "scroll")
    if not 0 < seconds <= MAX_SECONDS:
        raise ShardFailure(
            "illegal_argument_exception",
            f"Keep alive for request ({value}) is too large. It must be less than (1d). "
            "This limit can be set by changing the [search.max_keep_alive] cluster level setting.",
        )
    return seconds
