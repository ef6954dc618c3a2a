"""min, max, avg, sum, value_count and stats."""

from typing import Any

import tantivy

from .buckets import read_column
from .columns import Column
from .dates import render_date
from .failures import ShardFailure, no_doc_values
from .snapshots import Snapshot

METRICS = frozenset({"min", "max", "avg", "sum", "value_count", "stats"})
STATS = ("min", "max", "avg", "sum")
ELSEWHERE = {"missing", "script", "format", "value_type"}


def measure(snapshot: Snapshot, query: tantivy.Query, kind: str, body: Any) -> dict[str, Any]:
    """One metric over a query's documents, as the server writes it."""
    column = metric_column(snapshot, kind, body)
    if column is None:
        return _nothing(kind)
    name = "stats" if kind in STATS else kind
    result = snapshot.searcher.aggregate(query, {"it": {name: {"field": column.name}}})["it"]
    if kind == "value_count":
        return {"value": int(result["value"])}
    if not result["count"]:
        return _nothing(kind)
    if kind == "stats":
        shown = {"count": int(result["count"])}
        for part in STATS:
            shown |= _shown(column, part, float(result[part]))
        return shown
    return _shown(column, "value", float(result[kind]))


def metric_column(snapshot: Snapshot, kind: str, body: Any) -> Column | None:
    """The column to measure, None for a field that is not mapped."""
    column = read_column(snapshot, kind, body, {"field"}, ELSEWHERE)
    if column is None:
        return None
    field = column.field
    if not field.doc_values:
        raise no_doc_values(field.name, field.type)
    if field.type == "keyword" and kind != "value_count":
        raise ShardFailure(
            "illegal_argument_exception",
            f"Field [{field.name}] of type [keyword] is not supported for aggregation [{kind}]",
        )
    return column


def _nothing(kind: str) -> dict[str, Any]:
    if kind == "stats":
        return {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    return {"value": {"sum": 0.0, "value_count": 0}.get(kind)}


def _shown(column: Column, name: str, value: float) -> dict[str, Any]:
    type = column.field.type
    if type == "date":
        text = render_date(int(value), column.field.format)
    elif type == "boolean":
        text = "true" if value else "false"
    else:
        return {name: value}
    return {name: value, f"{name}_as_string": text}
