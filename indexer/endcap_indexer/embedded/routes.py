"""The routes of the engine and their URL parameters: all that it answers."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from .endpoints import aliases, cluster, documents, indices, scrolls, searches, writes
from .engine import Engine
from .errors import MethodNotAllowed, RequestError, illegal_argument, unsupported
from .requests import Request, Response

Handler: TypeAlias = Callable[[Engine, Request], Response]
Parameters: TypeAlias = frozenset[str]


class Route(NamedTuple):
    methods: str  # separated by spaces
    path: str  # {index} and the like stand for one segment
    handler: Handler
    parameters: Parameters = frozenset()


def _names(names: str) -> Parameters:
    return frozenset(names.split())


ANSWER = _names("pretty human error_trace filter_path format")  # on every route
SCOPE = searches.SCOPE
HARMLESS = searches.HARMLESS
WAITING = _names("timeout master_timeout cluster_manager_timeout wait_for_active_shards local")
SOURCE = _names("_source _source_includes _source_excludes")
CONDITION = _names("if_seq_no if_primary_term")
WRITE = _names("refresh timeout wait_for_active_shards")
INDEX = WRITE | CONDITION | _names("require_alias")
READ = SOURCE | _names("realtime refresh preference")
INDICES = SCOPE | WAITING
SEARCH = SCOPE | HARMLESS | searches.OWN | _names("search_type timeout scroll search_pipeline")
SCROLL = _names("scroll_id rest_total_hits_as_int")
MSEARCH = SCOPE | HARMLESS | _names("rest_total_hits_as_int search_type")
COUNT = SCOPE | _names("preference")
HEALTH = INDICES | _names("level wait_for_status wait_for_nodes")
SETTINGS = INDICES | _names("flat_settings include_defaults")
STATS = SCOPE | _names("level")
MERGE = SCOPE | _names("max_num_segments only_expunge_deletes flush")
SERVER_ONLY = _names(  # known to OpenSearch, so the refusal says what is missing
    "routing pipeline version version_type stored_fields lang dynamic_templates search_pipeline "
    "source typed_keys explain q df analyzer analyze_wildcard default_operator lenient stats "
    "min_score terminate_after suggest_field suggest_mode suggest_size suggest_text phase_took "
    "include_named_queries_score verbose_pipeline write_index_only wait_for_completion "
    "preserve_existing awareness_attribute wait_for_no_relocating_shards "
    "wait_for_no_initializing_shards wait_for_events"
)

ROUTES = (
    Route("GET HEAD", "/", cluster.info),
    Route("GET", "/_cluster/health", cluster.health, HEALTH),
    Route("GET", "/_cluster/health/{index}", cluster.health, HEALTH),
    Route("PUT", "/{index}", indices.create, WAITING),
    Route("DELETE", "/{index}", indices.delete, INDICES),
    Route("HEAD", "/{index}", indices.exists, INDICES),
    Route("GET", "/{index}", indices.get, INDICES),
    Route("GET", "/_mapping", indices.get_mapping, INDICES),
    Route("GET", "/{index}/_mapping", indices.get_mapping, INDICES),
    Route("PUT POST", "/{index}/_mapping", indices.put_mapping, INDICES),
    Route("GET", "/_settings", indices.get_settings, SETTINGS),
    Route("GET", "/{index}/_settings", indices.get_settings, SETTINGS),
    Route("GET", "/{index}/_settings/{name}", indices.get_settings, SETTINGS),
    Route("PUT", "/{index}/_settings", indices.put_settings, INDICES),
    Route("GET POST", "/_refresh", indices.refresh, SCOPE),
    Route("GET POST", "/{index}/_refresh", indices.refresh, SCOPE),
    Route("GET", "/_stats/docs", indices.stats, STATS),
    Route("GET", "/{index}/_stats/docs", indices.stats, STATS),
    Route("POST", "/_forcemerge", indices.force_merge, MERGE),
    Route("POST", "/{index}/_forcemerge", indices.force_merge, MERGE),
    Route("POST", "/_aliases", aliases.change, WAITING),
    Route("GET", "/_alias", aliases.get, INDICES),
    Route("GET", "/_alias/{name}", aliases.get, INDICES),
    Route("HEAD", "/_alias/{name}", aliases.exists, INDICES),
    Route("GET", "/{index}/_alias", aliases.get, INDICES),
    Route("GET", "/{index}/_alias/{name}", aliases.get, INDICES),
    Route("HEAD", "/{index}/_alias/{name}", aliases.exists, INDICES),
    Route("PUT POST", "/{index}/_alias/{name}", aliases.put, WAITING),
    Route("DELETE", "/{index}/_alias/{name}", aliases.delete, WAITING),
    Route("POST PUT", "/_bulk", writes.bulk, WRITE | _names("require_alias")),
    Route("POST PUT", "/{index}/_bulk", writes.bulk, WRITE | _names("require_alias")),
    Route("POST", "/{index}/_doc", writes.index, INDEX | _names("op_type")),
    Route("PUT POST", "/{index}/_doc/{id}", writes.index, INDEX | _names("op_type")),
    Route("PUT POST", "/{index}/_create/{id}", writes.index, INDEX),
    Route("DELETE", "/{index}/_doc/{id}", writes.delete, WRITE | CONDITION),
    Route("POST", "/{index}/_update/{id}", writes.update, INDEX | _names("retry_on_conflict")),
    Route("GET HEAD", "/{index}/_doc/{id}", documents.get, READ),
    Route("GET HEAD", "/{index}/_source/{id}", documents.get_source, READ),
    Route("GET POST", "/_mget", documents.mget, READ),
    Route("GET POST", "/{index}/_mget", documents.mget, READ),
    Route("GET POST", "/_search", searches.search, SEARCH),
    Route("GET POST", "/{index}/_search", searches.search, SEARCH),
    Route("GET POST", "/_search/scroll", scrolls.next_page, SCROLL | _names("scroll")),
    Route("DELETE", "/_search/scroll", scrolls.clear, SCROLL),
    Route("GET POST", "/_msearch", searches.msearch, MSEARCH),
    Route("GET POST", "/{index}/_msearch", searches.msearch, MSEARCH),
    Route("GET POST", "/_count", searches.count, COUNT),
    Route("GET POST", "/{index}/_count", searches.count, COUNT),
)


def _index_routes() -> dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]]:
    """Routes by the number of segments, then by path, so that a request meets few of them."""
    table: dict[int, dict[tuple[str, ...], dict[str, Route]]] = {}
    for route in ROUTES:
        segments = tuple(route.path.split("/")[1:])
        methods = table.setdefault(len(segments), {}).setdefault(segments, {})
        methods.update(dict.fromkeys(route.methods.split(), route))
    return {length: sorted(paths.items(), key=_placeholders) for length, paths in table.items()}


def _placeholders(item: tuple[tuple[str, ...], dict[str, Route]]) -> list[bool]:
    """Sorts the paths that say more before those that match anything."""
    return [part.startswith("{") for part in item[0]]


_TABLE = _index_routes()


def handle(
    open_engine: Callable[[], Engine],
    method: str,
    path: str,
    parameters: Mapping[str, str],
    body: bytes,
) -> Response:
    """Answers one request; errors too, so that nothing but a fault of ours is raised."""
    try:
        engine = open_engine()
        if parameters.get("format", "json") != "json":
            raise unsupported(f"format={parameters['format']}")
        route, segments = find_route(method, path)
        _check_parameters(route, path, parameters)
        return route.handler(engine, Request(method, path, segments, parameters, body))
    except RequestError as error:
        return Response(error.status, error.body())
    except sqlite3.Error as error:  # a full disk, a broken file: nothing the caller can mend
        failure = RequestError(500, "sqlite_exception", f"{type(error).__name__}: {error}")
        return Response(failure.status, failure.body())


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route and what stands for its placeholders; raises 400 for a path nobody knows."""
    parts = [unquote(part) for part in path.rstrip("/").split("/")[1:]] or [""]
    for pattern, methods in _TABLE.get(len(parts), ()):
        segments = _match(pattern, parts)
        if segments is not None:
            if len(parts) == 1 and method != "PUT" and _is_endpoint(segments.get("index", "")):
                continue  # an endpoint, rather than an index
            if method not in methods:
                allowed = ", ".join(sorted(methods))
                raise MethodNotAllowed(path, method, allowed)
            return methods[method], segments
    raise unsupported(f"{method} {path}")


def _is_endpoint(part: str) -> bool:
    return part.startswith("_") and not part.startswith("_all")


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    segments = {}
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            segments[expected[1:-1]] = part
        elif expected != part:
            return None
    return segments


def _check_parameters(route: Route, path: str, parameters: Mapping[str, str]) -> None:
    unknown = sorted(parameters.keys() - route.parameters - ANSWER)
    for name in unknown:
        if name in SERVER_ONLY:
            raise unsupported(f"parameter {name}")
    if unknown:
        noun = "parameter" if len(unknown) == 1 else "parameters"
        listed = ", ".join(f"[{name}]" for name in unknown)
        raise illegal_argument(f"request [{path}] contains unrecognized {noun}: {listed}")
