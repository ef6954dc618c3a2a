"""Searching one index, many searches in one request, counting."""

import time
from collections.abc import Mapping
from typing import Any

from endcap_indexer.embedded.endpoints.indices import named
from endcap_indexer.embedded.endpoints.scrolls import begin
from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import (
    IndexNotFound,
    Unsupported,
    illegal_argument,
    unsupported,
)
from endcap_indexer.embedded.failures import ShardFailure
from endcap_indexer.embedded.indices import Index
from endcap_indexer.embedded.requests import Request, Response, parse_object
from endcap_indexer.embedded.search import count as count_hits
from endcap_indexer.embedded.search import search as search_index
from endcap_indexer.embedded.search_request import URL, read_request

SCOPE = frozenset({"ignore_unavailable", "allow_no_indices", "expand_wildcards"})
HARMLESS = frozenset(  # they change how a cluster works, never what it answers
    {
        "allow_partial_search_results",
        "batched_reduce_size",
        "cancel_after_time_interval",
        "ccs_minimize_roundtrips",
        "ignore_throttled",
        "max_concurrent_searches",
        "max_concurrent_shard_requests",
        "pre_filter_shard_size",
        "preference",
        "request_cache",
    }
)
OWN = URL - {"explain", "typed_keys"}
NO_PIPELINE = "_none"
NO_SHARDS = {"total": 0, "successful": 0, "skipped": 0, "failed": 0}


def search(engine: Engine, request: Request) -> Response:
    check_search_type(request)
    if request.parameters.get("search_pipeline", NO_PIPELINE) != NO_PIPELINE:
        raise unsupported("parameter search_pipeline")
    index = one_index(engine, request)
    body = request.json()
    if index is None:
        totals = read_request(body, own_parameters(request)).totals
        hits = {**totals.show(0), "max_score": 0.0, "hits": []}
        return Response(200, {"took": 0, "timed_out": False, "_shards": NO_SHARDS, "hits": hits})
    lexical = engine.searchable(index)
    if "scroll" in request.parameters:
        return begin(engine, lexical, body, own_parameters(request), request.parameters["scroll"])
    return Response(200, search_index(lexical, body, own_parameters(request)))


def count(engine: Engine, request: Request) -> Response:
    index = one_index(engine, request)
    body = request.json()
    if index is None:
        return Response(200, {"count": 0, "_shards": NO_SHARDS})
    return Response(200, count_hits(engine.searchable(index), body))


def msearch(engine: Engine, request: Request) -> Response:
    """Each search on its own; one that cannot be read fails them all, as on a server."""
    started = time.monotonic()
    if not request.body.endswith(b"\n"):
        raise illegal_argument("The msearch request must be terminated by a newline [\\n]")
    lines = request.body.split(b"\n")[:-1]
    if len(lines) % 2:
        raise illegal_argument("an msearch request has a body line for each header line")
    requests = [
        _read_search(request, header, body)
        for header, body in zip(lines[::2], lines[1::2], strict=True)
    ]
    responses = [_answer(engine, one) for one in requests]
    took = int((time.monotonic() - started) * 1000)
    return Response(200, {"took": took, "responses": responses})


def one_index(engine: Engine, request: Request) -> Index | None:
    """The index to search, None where a wildcard matches nothing; 400 for several."""
    with engine.database.read() as connection:
        indices = named(connection, request)
    if len(indices) > 1:
        raise unsupported("a search over several indices")
    return indices[0] if indices else None


def own_parameters(request: Request) -> Mapping[str, str]:
    """The URL parameters that say something about the search itself."""
    return {name: value for name, value in request.parameters.items() if name in OWN}


def check_search_type(request: Request) -> None:
    """One shard has all the statistics, so both types are the same."""
    search_type = request.parameters.get("search_type", "query_then_fetch")
    if search_type not in ("query_then_fetch", "dfs_query_then_fetch"):
        raise illegal_argument(f"No search type for [{search_type}]")


def _answer(engine: Engine, request: Request) -> dict[str, Any]:
    try:
        response = search(engine, request)
    except (IndexNotFound, ShardFailure, Unsupported) as error:
        return error.body()
    return {**response.body, "status": response.status}


def _read_search(request: Request, header: bytes, body: bytes) -> Request:
    values = parse_object(header) if header.strip() else {}
    names = values.pop("index", values.pop("indices", None))
    segments = dict(request.segments)
    if names is not None:
        segments["index"] = names if isinstance(names, str) else ",".join(names)
    for key in values:
        if key == "routing":
            raise unsupported(key)
        if key not in SCOPE | HARMLESS | {"search_type"}:
            raise illegal_argument(f"key [{key}] is not supported in the metadata section")
    header_parameters = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
    }
    parameters = {**request.parameters, **header_parameters}
    return Request("POST", request.path, segments, parameters, body)
