"""What is read from a search body: its text and conditions, or the reason why it is passed through.

The table is docs/search.md; `conditions` and the constants here are its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from endcap.conditions import MATCH_ALL, Apart, NotTakenApart, Query, take_apart
from endcap.requests import SearchRequest

BYPASSES = (
    "scroll",
    "search_after",
    "pit",
    "rescore",
    "slice",
    "q",
    "source",
    "terminate_after",
    "verbose_pipeline",
)
# Options of which one value changes nothing; any other is passed through.
ORDINARY = {
    "search_type": "query_then_fetch",
    "search_pipeline": "_none",
    "expand_wildcards": "open",
    "format": "json",
}
TOP_LEVEL_ONLY = ("hybrid",)  # queries that the engine refuses inside of another
MAXIMUM_ROWS = 10_000  # of one answer: index.max_result_window


@dataclass(frozen=True, slots=True)
class Bypass:
    """The request goes to the engine untouched, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A body that can be re-ranked.

    query: the caller's. text: what is embedded, "" when there is none. untaken: why only the
    engine's own hits are re-ranked; None where `apart` says what binds another leg. start, size:
    of the page. sorted: by the score and then by other keys. collapse: the field that products are
    grouped by, if they are.
    """

    query: Query
    text: str
    apart: Apart
    untaken: str | None
    start: int
    size: int
    sorted: bool
    collapse: str | None


def read_body(request: SearchRequest) -> Reading | Bypass:
    """Read a request by the table of docs/search.md."""
    if not isinstance(request.body, Mapping):
        return Bypass("a body that is no object is passed through")
    reason = _passed_option(request) or _passed_page(request) or _passed_groups(request)
    if reason is not None:
        return Bypass(reason)
    if request.body.get("suggest") and "query" not in request.body and not request.aggregates:
        return Bypass("suggestions alone are asked for")  # the engine then finds no hits
    query = request.body.get("query", MATCH_ALL)
    if any(name in query for name in TOP_LEVEL_ONLY):
        return Bypass(f"{next(iter(query))} is passed through")
    apart, untaken = _take_apart(request, query)
    text = request.options.query or " ".join(dict.fromkeys(apart.texts))
    if not text.strip() and not request.options.names_shopper:
        return Bypass(f"no text and no shopper{f' ({untaken})' if untaken else ''}")
    start, size = request.page
    sort = bool(request.option("sort"))
    collapse = request.body["collapse"]["field"] if "collapse" in request.body else None
    return Reading(query, text.strip(), apart, untaken, start, size, sort, collapse)


def _passed_option(request: SearchRequest) -> str | None:
    for name in BYPASSES:
        if request.option(name) is not None:
            return f"{name} is passed through"
    for name, ordinary in ORDINARY.items():
        if request.option(name, ordinary) != ordinary:
            return f"{name} is passed through"
    if "_none_" in str(request.option("stored_fields")):
        return "hits without ids are passed through"
    keys = _sort_keys(request.option("sort"))
    return "sorted by a field" if keys and not _by_score(keys[0]) else None


def _passed_page(request: SearchRequest) -> str | None:
    try:
        start, size = request.page
        overruled = [int(request.body.get(name, 0)) for name in ("from", "size")]  # by the URL
    except (TypeError, ValueError):
        return "from or size is no number"
    if size == 0:
        return "size is 0"
    if min(start, size, *overruled) < 0 or start + size > MAXIMUM_ROWS:
        return "from and size are beyond what the engine answers"
    return None


def _passed_groups(request: SearchRequest) -> str | None:
    match request.body.get("collapse", {"field": ""}):
        case {"field": str()}:
            return None
    return "collapse names no field"


def _take_apart(request: SearchRequest, query: Query) -> tuple[Apart, str | None]:
    try:
        apart = take_apart(query)
    except NotTakenApart as reason:
        return Apart((), (), True, False), str(reason)
    # What only another leg found has no score of the engine's that could reach the least.
    return apart, None if request.body.get("min_score") is None else "min_score"


def _sort_keys(sort: Any) -> list[Any]:
    if sort is None:
        return []
    if isinstance(sort, str):
        return [_from_url(key) for key in sort.split(",")]
    keys = list(sort) if isinstance(sort, (list, tuple)) else [sort]
    return [_from_url(key) if isinstance(key, str) else key for key in keys]


def _from_url(key: str) -> Any:
    name, _, order = key.partition(":")
    return {name: order} if order else name


def _by_score(key: Any) -> bool:
    if isinstance(key, Mapping) and len(key) == 1:
        ((name, order),) = key.items()
        order = order.get("order", "desc") if isinstance(order, Mapping) else order
        return bool(name == "_score" and order == "desc")
    return bool(key == "_score")
