"""The buckets of terms, range and filter aggregations."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import tantivy

from .arguments import parsing_error, read_float, read_object, read_whole
from .clauses import NOTHING, Clause, Occur
from .columns import Column
from .dates import render_date
from .errors import RequestError, illegal_argument, malformed, unsupported
from .failures import ShardFailure, no_doc_values
from .queries import parse_query
from .snapshots import Snapshot
from .values import java_number

MOST_VALUES = 60_000  # that tantivy counts in one go
TERMS = {"field", "size", "order", "min_doc_count", "shard_size", "execution_hint", "collect_mode",
         "show_term_doc_count_error", "shard_min_doc_count"}  # fmt: skip
RANGE = {"field", "ranges", "keyed"}
TERMS_ELSEWHERE = {"missing", "include", "exclude", "script", "format", "value_type"}
Order = list[tuple[str, bool]]  # what to order by, descending


class Bucket(NamedTuple):
    query: tantivy.Query  # its documents
    shown: dict[str, Any]  # key and doc_count


def filter_buckets(
    snapshot: Snapshot, query: tantivy.Query, clauses: Iterable[Clause]
) -> list[Bucket]:
    """One bucket for each condition."""
    buckets = []
    for clause in clauses:
        both = intersect(query, clause.query)
        found = 0 if clause is NOTHING else snapshot.count(both)
        buckets.append(Bucket(both, {"doc_count": found}))
    return buckets


def range_buckets(snapshot: Snapshot, query: tantivy.Query, body: Any) -> list[Bucket]:
    """Ranges from (inclusive) to (exclusive), in the order of their bounds."""
    column = read_column(snapshot, "range", body, RANGE, {"missing", "script", "format"})
    ranges = body.get("ranges", [])
    if not isinstance(ranges, list) or not all(isinstance(one, dict) for one in ranges):
        raise malformed("[range] failed to parse field [ranges]")
    if not isinstance(body.get("keyed", False), bool):
        raise malformed("[range] failed to parse field [keyed]")
    if not ranges:
        reason = "No [ranges] specified for the [range] aggregation"
        raise ShardFailure("illegal_argument_exception", reason)
    if column is not None and not column.field.doc_values:
        raise no_doc_values(column.field.name, column.field.type)
    if column is not None and column.field.type in ("date", "boolean", "keyword"):
        raise unsupported(f"range aggregation on a field of type {column.field.type}")
    buckets = []
    for one in sorted(ranges, key=_bounds):
        _check(one, "range", {"from", "to", "key"}, set())
        if not isinstance(one.get("key", ""), str):
            raise malformed("[range] failed to parse field [key]")
        low, high = one.get("from"), one.get("to")
        condition = {"range": {body["field"]: {"gte": low, "lt": high}}}
        (bucket,) = filter_buckets(snapshot, query, [parse_query(snapshot, condition)])
        shown: dict[str, Any] = {"key": one.get("key", f"{_java(low)}-{_java(high)}")}
        shown |= {name: float(one[name]) for name in ("from", "to") if one.get(name) is not None}
        buckets.append(Bucket(bucket.query, shown | bucket.shown))
    return buckets


def term_buckets(
    snapshot: Snapshot,
    query: tantivy.Query,
    body: Any,
    fill: Callable[[Bucket], dict[str, Any]],
) -> dict[str, Any]:
    """The values of a field with most documents, or in the order asked for; ``fill`` completes."""
    column = read_column(snapshot, "terms", body, TERMS, TERMS_ELSEWHERE)
    size, least, order = _read_terms(body)
    if column is None:
        return _terms_answer([], 0)
    shown = {"doc_count_error_upper_bound": 0} if body.get("show_term_doc_count_error") else {}
    if not column.field.doc_values:
        raise no_doc_values(column.field.name, column.field.type)
    counted, more = _count_values(snapshot, query, column)
    counted = [item for item in counted if item[1] >= least]
    total = sum(count for _, count in counted) + more
    if all(what in ("_count", "_key") for what, _ in order):
        counted = _ordered(counted, order, lambda item, what: item[what == "_count"])[:size]
        filled = [fill(_term_bucket(snapshot, query, column, *item)) | shown for item in counted]
    else:
        every = [fill(_term_bucket(snapshot, query, column, *item)) | shown for item in counted]
        filled = _ordered(every, order, _metric)[:size]
    return _terms_answer(filled, total - sum(one["doc_count"] for one in filled))


def intersect(first: tantivy.Query, second: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(Occur.Must, first), (Occur.Must, second)])


def _terms_answer(buckets: list[dict[str, Any]], others: int) -> dict[str, Any]:
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": others,
        "buckets": buckets,
    }


def _read_terms(body: dict[str, Any]) -> tuple[int, int, Order]:
    size = read_whole("terms", body, "size", 10)
    least = read_whole("terms", body, "min_doc_count", 1)
    if size <= 0:
        raise RequestError(
            400,
            "x_content_parse_exception",
            "[terms] failed to parse field [size]",
            caused_by={
                "type": "illegal_argument_exception",
                "reason": f"[size] must be greater than 0. Found [{size}]",
            },
        )
    if least < 0:
        raise malformed("[terms] failed to parse field [min_doc_count]")
    if least == 0:
        raise unsupported("terms.min_doc_count 0")
    given = body.get("order", {"_count": "desc"})
    parts = [
        pair
        for one in (given if isinstance(given, list) else [given])
        for pair in read_object("terms", one).items()
    ]
    if not parts or not all(way in ("asc", "desc") for _, way in parts):
        raise parsing_error(f"Unknown order direction in [{given}]")
    return size, least, [(what, way == "desc") for what, way in parts]


def _count_values(
    snapshot: Snapshot, query: tantivy.Query, column: Column
) -> tuple[list[tuple[Any, int]], int]:
    """(value, documents) by value, and the occurrences of the values beyond ``MOST_VALUES``."""
    request = {"field": column.name, "size": MOST_VALUES, "segment_size": MOST_VALUES}
    found = snapshot.searcher.aggregate(query, {"it": {"terms": request}})["it"]
    pairs = [(bucket["key"], bucket["doc_count"]) for bucket in found["buckets"]]
    if column.field.type != "keyword" and not snapshot.is_single(column):
        pairs = [  # a value that a document has twice counts once
            (value, snapshot.count(_of_value(snapshot, query, column, value))) for value, _ in pairs
        ]
    return sorted(pairs, key=_key), found["sum_other_doc_count"]


def _key(item: tuple[Any, int]) -> Any:
    return item[0].encode() if isinstance(item[0], str) else item[0]


def _of_value(
    snapshot: Snapshot, query: tantivy.Query, column: Column, value: Any
) -> tantivy.Query:
    term = tantivy.Query.term_query(snapshot.schema, column.name, value, "basic")
    return intersect(query, term)


def _term_bucket(
    snapshot: Snapshot, query: tantivy.Query, column: Column, value: Any, count: int
) -> Bucket:
    shown = {"key": value, "doc_count": count}
    if column.field.type == "boolean":
        shown = {"key": value, "key_as_string": "true" if value else "false", "doc_count": count}
    elif column.field.type == "date":
        text = render_date(int(value), column.field.format)
        shown = {"key": value, "key_as_string": text, "doc_count": count}
    return Bucket(_of_value(snapshot, query, column, value), shown)


def _ordered(items: list[Any], order: Order, value: Callable[[Any, str], Any]) -> list[Any]:
    """Items that are ascending by key, put in order; ties stay as they are."""
    for what, descending in reversed(order):
        items = sorted(items, key=lambda item: value(item, what), reverse=descending)
    return items


def _metric(bucket: dict[str, Any], path: str) -> Any:
    """What a bucket is ordered by: `_count`, `_key`, `name` or `name.part`."""
    if path in ("_count", "_key"):
        return bucket["doc_count" if path == "_count" else "key"]
    name, _, part = path.partition(".")
    if name not in bucket:
        raise illegal_argument(
            f"Invalid aggregation order path [{path}]. The provided aggregation [{name}] either"
            " does not exist, or is a pipeline aggregation and cannot be used to sort the buckets."
        )
    if "doc_count" in bucket[name]:
        return bucket[name]["doc_count"]
    value = bucket[name].get(part or "value")
    return float("-inf") if value is None else value


def _bounds(one: dict[str, Any]) -> tuple[float, float]:
    low, high = one.get("from"), one.get("to")
    return (
        float("-inf") if low is None else read_float("range", one, "from", 0.0),
        float("inf") if high is None else read_float("range", one, "to", 0.0),
    )


def _java(bound: Any) -> str:
    return "*" if bound is None else java_number(float(bound))


def read_column(
    snapshot: Snapshot, kind: str, body: dict[str, Any], known: set[str], elsewhere: set[str]
) -> Column | None:
    """The column that an aggregation is of, None for a field that is not mapped."""
    _check(body, kind, known, elsewhere)
    if "field" not in body:
        raise illegal_argument("Required one of fields [field, script], but none were specified. ")
    if not isinstance(body["field"], str):
        raise malformed(f"[{kind}] failed to parse field [field]")
    return snapshot.columns.get(body["field"])


def _check(body: dict[str, Any], kind: str, known: set[str], elsewhere: set[str]) -> None:
    for key in body.keys() - known:
        if key in elsewhere:
            raise unsupported(f"{kind}.{key}")
        raise malformed(f"[{kind}] unknown field [{key}]")
