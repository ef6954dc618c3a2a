"""The query language: from its JSON to clauses."""

from collections.abc import Callable
from typing import Any

import tantivy

from .arguments import (
    check_keys,
    minimum_matches,
    parsing_error,
    read_boost,
    read_float,
    read_object,
)
from .clauses import (
    NOTHING,
    Clause,
    Occur,
    all_phrases,
    disjunction_max,
    scored_where_found,
    sum_scorer,
)
from .errors import RequestError, Unsupported, malformed, unsupported
from .failures import ShardFailure
from .function_scores import function_score
from .snapshots import Snapshot
from .term_queries import exists, ids, range_query, term, terms
from .text_queries import match, match_phrase, multi_match

BOOL = {"must", "should", "filter", "must_not", "minimum_should_match", "boost",
        "adjust_pure_negative"}  # fmt: skip
ELSEWHERE = frozenset(
    "agentic boosting combined_fields common distance_feature field_masking_span fuzzy"
    " geo_bounding_box geo_distance geo_polygon geo_shape has_child has_parent hybrid intervals knn"
    " match_bool_prefix match_phrase_prefix more_like_this nested neural neural_knn neural_sparse"
    " parent_id percolate prefix query_string rank_feature regexp script script_score"
    " simple_query_string span_containing span_field_masking span_first span_gap span_multi"
    " span_near span_not span_or span_term span_within template terms_set wildcard wrapper"
    " xy_shape".split()
)


def parse_query(snapshot: Snapshot, body: Any) -> Clause:
    """400: parsing_exception for what no server knows, unsupported for what only a server can."""
    if not isinstance(body, dict):
        raise parsing_error("[_na] query malformed, must start with start_object")
    if not body:
        raise RequestError(400, "illegal_argument_exception", "query malformed, empty clause found")
    (name, arguments), *more = body.items()
    if name in ELSEWHERE:
        raise unsupported(f"query {name}")
    if name not in _QUERIES:
        raise parsing_error(f"unknown query [{name}]")
    if more:
        raise parsing_error(
            f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"
        )
    return _QUERIES[name](snapshot, arguments)


def _match_all(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("match_all", body)
    check_keys("match_all", arguments, {"boost"})
    return Clause(snapshot.everything).scored(read_boost("match_all", arguments))


def _match_none(snapshot: Snapshot, body: Any) -> Clause:
    check_keys("match_none", read_object("match_none", body), {"boost"})
    return NOTHING


def _bool(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("bool", body)
    for key in arguments.keys() - BOOL:
        if key == "_name":
            raise unsupported("bool._name")
        raise malformed(f"[bool] unknown field [{key}]")
    must, should, filters, must_not = (
        _bool_clauses(snapshot, kind, arguments.get(kind, []))
        for kind in ("must", "should", "filter", "must_not")
    )
    boost = read_boost("bool", arguments)
    if not (must or should or filters):
        if not must_not:
            return Clause(snapshot.everything).scored(boost)
        if _is_false(arguments.get("adjust_pure_negative", True)):
            return NOTHING
        return _combine(snapshot, [], [], [], must_not, 0).boosted(boost)
    default = 0 if must or filters or not should else 1
    needed = minimum_matches(arguments.get("minimum_should_match", default), len(should))
    if needed == 0 and should and not (must or filters):
        needed = 1
    return _combine(snapshot, must, should, filters, must_not, needed).boosted(boost)


def _is_false(flag: Any) -> bool:
    return flag in (False, "false")


def _combine(
    snapshot: Snapshot,
    must: list[Clause],
    should: list[Clause],
    filters: list[Clause],
    must_not: list[Clause],
    needed: int,
) -> Clause:
    optional = [clause for clause in should if clause is not NOTHING]
    if any(clause is NOTHING for clause in must + filters) or needed > len(optional):
        return NOTHING
    required = [(Occur.Must, clause.query) for clause in must]
    required += [(Occur.Must, clause.scored(0.0).query) for clause in filters]
    if not required and not needed:
        required = [(Occur.Must, tantivy.Query.const_score_query(snapshot.everything, 0.0))]
    pairs = required + [(Occur.Should, clause.query) for clause in optional]
    pairs += [(Occur.MustNot, clause.query) for clause in must_not if clause is not NOTHING]
    minimum = needed if needed > (0 if required else 1) else None
    combined = Clause(
        tantivy.Query.boolean_query(pairs, minimum_number_should_match=minimum),
        _constant(must) if not optional else None,
        all_phrases([*must, *optional, *filters]),
        sum_scorer([*must, *optional]),
    )
    return combined if len(pairs) == 1 else scored_where_found(combined)


def _constant(must: list[Clause]) -> float | None:
    """The score of all that is found, where each clause gives everything the same."""
    total = 0.0
    for clause in must:
        if clause.constant is None:
            return None
        total += clause.constant
    return total


def _bool_clauses(snapshot: Snapshot, kind: str, bodies: Any) -> list[Clause]:
    try:
        return _clauses(snapshot, bodies)
    except (ShardFailure, Unsupported):
        raise
    except RequestError as error:
        raise malformed(f"[bool] failed to parse field [{kind}]", error) from None


def _clauses(snapshot: Snapshot, bodies: Any) -> list[Clause]:
    if bodies is None:
        return []
    listed = bodies if isinstance(bodies, list) else [bodies]
    return [parse_query(snapshot, body) for body in listed]


def _dis_max(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("dis_max", body)
    check_keys("dis_max", arguments, {"queries", "tie_breaker", "boost"})
    if not arguments.get("queries"):
        raise parsing_error("[dis_max] requires 'queries' field with at least one clause")
    clauses = _clauses(snapshot, arguments["queries"])
    tie_breaker = read_float("dis_max", arguments, "tie_breaker", 0.0)
    return disjunction_max(clauses, tie_breaker).boosted(read_boost("dis_max", arguments))


def _constant_score(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("constant_score", body)
    check_keys("constant_score", arguments, {"filter", "boost"})
    if "filter" not in arguments:
        raise parsing_error("[constant_score] requires a 'filter' element")
    clause = parse_query(snapshot, arguments["filter"])
    if clause is NOTHING:
        return NOTHING
    return clause.scored(read_boost("constant_score", arguments))


def _function_score(snapshot: Snapshot, body: Any) -> Clause:
    return function_score(snapshot, body, parse_query)


_QUERIES: dict[str, Callable[[Snapshot, Any], Clause]] = {
    "bool": _bool,
    "constant_score": _constant_score,
    "dis_max": _dis_max,
    "exists": exists,
    "function_score": _function_score,
    "ids": ids,
    "match": match,
    "match_all": _match_all,
    "match_none": _match_none,
    "match_phrase": match_phrase,
    "multi_match": multi_match,
    "range": range_query,
    "term": term,
    "terms": terms,
}
