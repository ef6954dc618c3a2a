"""A search request: its body with the URL's parameters over it, checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .arguments import parsing_error, read_float, read_integer, read_integer_parameter
from .collapsing import read_collapse
from .errors import illegal_argument, unsupported
from .failures import ShardFailure
from .settings import read_seconds
from .sources import EVERYTHING, SourceFilter
from .totals import Totals, read_totals

MAX_WINDOW = 10_000
BODY = frozenset(
    "query from size _source sort track_total_hits docvalue_fields stored_fields fields post_filter"
    " min_score track_scores version seq_no_primary_term highlight aggs aggregations search_after"
    " timeout explain ext stats profile collapse".split()
)
ELSEWHERE = frozenset(
    "derived include_named_queries_score indices_boost pit rescore"
    " script_fields search_pipeline slice suggest terminate_after verbose_pipeline".split()
)
URL = frozenset(
    "from size _source _source_includes _source_excludes sort track_total_hits docvalue_fields"
    " stored_fields track_scores version seq_no_primary_term explain rest_total_hits_as_int".split()
)
URL_ELSEWHERE = frozenset(
    "q df analyzer analyze_wildcard default_operator lenient terminate_after suggest_field"
    " suggest_mode suggest_size suggest_text stats search_pipeline include_named_queries_score"
    " phase_took verbose_pipeline routing typed_keys".split()
)
SCALAR = (bool, int, float, str)
SHAPES: dict[str, tuple[type, ...]] = {  # what a key may hold; a scalar where it is not said
    **dict.fromkeys("query post_filter highlight aggs aggregations collapse ext".split(), (dict,)),
    **dict.fromkeys("docvalue_fields fields search_after stats".split(), (list,)),
    "sort": (str, dict, list),
    "stored_fields": (str, list),
    "_source": (bool, str, dict, list),
}
ADDED = {"sort", "docvalue_fields"}  # the URL's stand behind the body's, not in their place


@dataclass(frozen=True)
class SearchRequest:
    """What a search asks for; the pieces of JSON that other modules read are left as they are."""

    query: Any
    post_filter: Any
    aggregations: Any
    highlight: Any
    sort: Any
    collapse: str | None  # the field
    search_after: Any
    start: int
    size: int
    min_score: float | None
    totals: Totals
    ids: bool
    source: SourceFilter
    docvalue_fields: list[Any]
    fields: list[Any]
    track_scores: bool
    version: bool
    seq_no: bool


def read_request(body: dict[str, Any], parameters: Mapping[str, str]) -> SearchRequest:
    """400 for what the server or the embedded engine does not know, by name."""
    _check_body(body)
    read = _read_parameters(parameters)
    totals = read_totals(body, parameters)
    for key in ADDED & read.keys() & body.keys():
        read[key] = [*_listed(body[key]), *read[key]]
    merged = {**body, **read}
    start = _integer(merged, "from", 0)
    size = _integer(merged, "size", 10)
    if start + size > MAX_WINDOW:
        raise ShardFailure(
            "illegal_argument_exception",
            "Result window is too large, from + size must be less than or equal to:"
            f" [{MAX_WINDOW}] but was [{start + size}]. See the scroll api for a more efficient way"
            " to request large data sets. This limit can be set by changing the"
            " [index.max_result_window] index level setting.",
        )
    ids = _has_ids(merged.get("stored_fields"))
    if not ids and merged.get("_source") not in (None, False):
        raise ShardFailure(
            "search_exception",
            "[stored_fields] cannot be disabled if [_source] is requested",
            status=500,
        )
    collapse = read_collapse(merged["collapse"]) if "collapse" in merged else None
    return SearchRequest(
        query=merged.get("query"),
        post_filter=merged.get("post_filter"),
        aggregations=merged.get("aggregations", merged.get("aggs")),
        highlight=merged.get("highlight"),
        sort=merged.get("sort"),
        collapse=collapse,
        search_after=merged.get("search_after"),
        start=start,
        size=size,
        min_score=read_float("search", merged, "min_score", 0.0) if "min_score" in merged else None,
        totals=totals,
        ids=ids,
        source=_source(merged, ids),
        docvalue_fields=_docvalue_fields(merged.get("docvalue_fields", []), collapse),
        fields=merged.get("fields", []),
        track_scores=_flag(merged, "track_scores"),
        version=_flag(merged, "version"),
        seq_no=_flag(merged, "seq_no_primary_term"),
    )


def _docvalue_fields(wanted: list[Any], collapse: str | None) -> list[Any]:
    """A hit shows the value that it stands for."""
    return wanted if collapse is None or collapse in wanted else [*wanted, collapse]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_body(body: dict[str, Any]) -> None:
    for key, value in body.items():
        if key in ELSEWHERE:
            raise unsupported(key)
        if key not in BODY:
            raise parsing_error(f"Unknown key for a {_token(value)} in [{key}].")
        if not isinstance(value, SHAPES.get(key, SCALAR)):
            raise parsing_error(f"Unknown key for a {_token(value)} in [{key}].")
    if not all(isinstance(group, str) for group in body.get("stats", [])):
        raise parsing_error("Unknown key for a START_ARRAY in [stats].")
    if "timeout" in body:
        read_seconds(str(body["timeout"]), "timeout")
    for key in ("explain", "profile", "ext"):
        if body.get(key):
            raise unsupported(key)


def _read_parameters(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The URL's parameters as they would stand in a body."""
    for name in parameters:
        if name in URL_ELSEWHERE:
            raise unsupported(name)
        if name not in URL:
            raise illegal_argument(f"request contains unrecognized parameter: [{name}]")
    read = {name: _URL[name](text) for name, text in parameters.items() if name in _URL}
    if read.pop("explain", False):
        raise unsupported("explain")
    if any(name.startswith("_source") for name in parameters):
        read["_source"] = SourceFilter.from_params(parameters)
    return read


def _read_sort(text: str) -> list[Any]:
    """`field:order`, or a field alone, each."""
    parts = (key.rpartition(":") for key in text.split(","))
    return [{name: order} if name else order for name, _, order in parts]


def _read_flag(text: str) -> bool:
    return text in ("", "true")


def _read_names(text: str) -> list[str]:
    return text.split(",")


def _integer(body: dict[str, Any], key: str, default: int) -> int:
    number = read_integer(body.get(key, default))
    if number < 0:
        raise illegal_argument(f"[{key}] parameter cannot be negative, found [{number}]")
    return number


def _has_ids(stored: Any) -> bool:
    names = [stored] if isinstance(stored, str) else stored or []
    if "_none_" in names and len(names) > 1:
        raise illegal_argument("cannot combine _none_ with other fields")
    for name in names:
        if name not in ("_none_", "_id", "_source"):
            raise unsupported("stored_fields")
    return "_none_" not in names


def _source(body: dict[str, Any], ids: bool) -> SourceFilter:
    """Stored fields, once named, take the place of the source."""
    value = body.get("_source")
    if isinstance(value, SourceFilter):
        return value
    if value is not None:
        return SourceFilter.from_body(value)
    stored = body.get("stored_fields")
    return EVERYTHING if stored is None or "_source" in stored else SourceFilter(False)


def _flag(body: dict[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if value not in (True, False, "true", "false"):
        raise illegal_argument(
            f"Failed to parse value [{value}] as only [true] or [false] are allowed."
        )
    return value in (True, "true")


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "VALUE_BOOLEAN"
    if value is None:
        return "VALUE_NULL"
    names = ((dict, "START_OBJECT"), (list, "START_ARRAY"), (str, "VALUE_STRING"))
    return next((name for kind, name in names if isinstance(value, kind)), "VALUE_NUMBER")


_URL: dict[str, Callable[[str], Any]] = {
    "from": partial(read_integer_parameter, "from"),
    "size": partial(read_integer_parameter, "size"),
    "docvalue_fields": _read_names,
    "stored_fields": _read_names,
    "track_scores": _read_flag,
    "version": _read_flag,
    "seq_no_primary_term": _read_flag,
    "explain": _read_flag,
    "sort": _read_sort,
}
