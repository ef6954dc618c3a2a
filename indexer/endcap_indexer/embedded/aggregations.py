"""Aggregations: a tree of buckets and metrics over the documents of a query.

A bucket is a query of its own, so sub-aggregations are aggregations over a narrower query.
"""

from collections.abc import Callable
from typing import Any

import tantivy

from .arguments import parsing_error, read_object
from .buckets import Bucket, filter_buckets, range_buckets, read_column, term_buckets
from .clauses import NOTHING, Clause, Occur
from .columns import MARKS, SEQ_NO
from .errors import RequestError, illegal_argument, unsupported
from .metrics import METRICS, measure
from .queries import parse_query
from .ranking import rank
from .search_request import SearchRequest
from .snapshots import Snapshot

ELSEWHERE = frozenset(
    "adjacency_matrix auto_date_histogram avg_bucket bucket_script bucket_selector bucket_sort"
    " cardinality children composite cumulative_sum date_histogram date_range derivative"
    " diversified_sampler extended_stats extended_stats_bucket geo_bounds geo_centroid geo_distance"
    " geohash_grid geohex_grid geotile_grid histogram ip_range matrix_stats max_bucket"
    " median_absolute_deviation min_bucket moving_avg moving_fn multi_terms nested parent"
    " percentile_ranks percentiles percentiles_bucket rare_terms reverse_nested sampler"
    " scripted_metric serial_diff significant_terms significant_text stats_bucket sum_bucket"
    " top_hits variable_width_histogram weighted_avg".split()
)
CHILDREN = ("aggs", "aggregations")


def aggregate(snapshot: Snapshot, clause: Clause, request: SearchRequest) -> dict[str, Any]:
    """The section ``aggregations`` of a response; a post filter has no part in it."""
    query = clause.query
    if request.min_score is not None and clause is not NOTHING:
        hits = rank(snapshot, clause, 0, request.min_score, True).hits
        query = tantivy.Query.term_set_query(
            snapshot.schema, SEQ_NO, [hit.seq_no for hit in hits] or [-1]
        )
    return _aggregate_all(snapshot, query, request.aggregations)


def _aggregate_all(
    snapshot: Snapshot, query: tantivy.Query, body: dict[str, Any]
) -> dict[str, Any]:
    return {name: _aggregate_one(snapshot, query, name, one) for name, one in body.items()}


def _aggregate_one(
    snapshot: Snapshot, query: tantivy.Query, name: str, body: dict[str, Any]
) -> dict[str, Any]:
    read_object(name, body)
    kinds = [key for key in body if key not in (*CHILDREN, "meta")]
    children = body.get("aggs", body.get("aggregations", {}))
    if not kinds:
        raise parsing_error(f"Missing definition for aggregation [{name}]")
    if len(kinds) > 1:
        raise parsing_error(
            f"Found two aggregation type definitions in [{name}]: [{kinds[0]}] and [{kinds[1]}]"
        )
    (kind,) = kinds
    read_object(kind, children)
    if kind in ELSEWHERE:
        raise unsupported(f"aggregation {kind}")
    if kind not in METRICS and kind not in _BUCKETS:
        raise parsing_error(f"Unknown aggregation type [{kind}]")
    read_object(kind, body[kind])
    meta = {"meta": read_object("meta", body["meta"])} if "meta" in body else {}
    if kind not in METRICS:
        return meta | _BUCKETS[kind](snapshot, query, body[kind], children)
    if children:
        raise RequestError(
            400,
            "aggregation_initialization_exception",
            f"Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations",
        )
    return meta | measure(snapshot, query, kind, body[kind])


def _fill(snapshot: Snapshot, bucket: Bucket, children: dict[str, Any]) -> dict[str, Any]:
    return {**bucket.shown, **_aggregate_all(snapshot, bucket.query, children)}


def _terms(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    def fill(bucket: Bucket) -> dict[str, Any]:
        return _fill(snapshot, bucket, children)

    return term_buckets(snapshot, query, body, fill)


def _range(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    buckets = range_buckets(snapshot, query, body)
    filled = [_fill(snapshot, bucket, children) for bucket in buckets]
    if body.get("keyed"):
        return {"buckets": {one.pop("key"): one for one in filled}}
    return {"buckets": filled}


def _filters(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    for key in body.keys() - {"filters"}:
        raise unsupported(f"filters.{key}")
    given = body.get("filters")
    if not given or not isinstance(given, dict | list):
        raise illegal_argument("[filters] cannot be null or empty")
    conditions = list(given.values()) if isinstance(given, dict) else given
    clauses = [parse_query(snapshot, condition) for condition in conditions]
    buckets = filter_buckets(snapshot, query, clauses)
    filled = [_fill(snapshot, bucket, children) for bucket in buckets]
    return {"buckets": dict(zip(given, filled, strict=True)) if isinstance(given, dict) else filled}


def _filter(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    (bucket,) = filter_buckets(snapshot, query, [parse_query(snapshot, body)])
    return _fill(snapshot, bucket, children)


def _missing(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    column = read_column(snapshot, "missing", body, {"field"}, {"missing", "script", "format"})
    pairs = [(Occur.Must, snapshot.everything)]
    if column is not None:
        having = tantivy.Query.term_query(snapshot.schema, MARKS, column.name)
        pairs.append((Occur.MustNot, having))
    lacking = Clause(tantivy.Query.boolean_query(pairs))
    (bucket,) = filter_buckets(snapshot, query, [lacking])
    return _fill(snapshot, bucket, children)


def _global(
    snapshot: Snapshot, query: tantivy.Query, body: Any, children: dict[str, Any]
) -> dict[str, Any]:
    for key in body:
        raise parsing_error(f"[global] does not support [{key}]")
    everything = snapshot.everything
    return _fill(snapshot, Bucket(everything, {"doc_count": snapshot.size}), children)


_BUCKETS: dict[str, Callable[[Snapshot, tantivy.Query, Any, dict[str, Any]], dict[str, Any]]] = {
    "filter": _filter,
    "filters": _filters,
    "global": _global,
    "missing": _missing,
    "range": _range,
    "terms": _terms,
}
