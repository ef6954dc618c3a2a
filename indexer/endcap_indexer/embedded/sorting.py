"""Sorting by fields, score and order of writing, and going on after a hit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .arguments import read_object
from .clauses import Clause
from .columns import Column
from .dates import parse_date
from .errors import illegal_argument, malformed, unsupported
from .failures import ShardFailure, no_doc_values
from .ranking import SAME, Hit, find_all
from .search_request import SearchRequest
from .snapshots import Snapshot
from .values import FLOAT_CODES, ValueRefused, parse_value

OPTIONS = {"order", "missing", "mode", "unmapped_type"}
ELSEWHERE = {"nested", "nested_path", "nested_filter", "numeric_type"}
UNMAPPED = ("_score", "_doc", "_seq_no")  # what every hit has
BITS = {"long": 64, "date": 64}  # of the sentinel for a missing integer; other types have 32


@dataclass(frozen=True)
class Key:
    """One key; ``column`` is None for _score, _doc, _seq_no and a field that is not mapped."""

    field: str
    descending: bool
    column: Column | None = None
    missing: Any = "_last"
    greatest: bool = False  # of several values; else the smallest
    type: str = "long"


def read_sort(snapshot: Snapshot, body: Any) -> list[Key]:
    """The keys; empty for none and for the score alone, which is the order without a sort."""
    items = body if isinstance(body, list) else [] if body is None else [body]
    keys = [_read_key(snapshot, *pair) for item in items for pair in _pairs(item)]
    if len(keys) == 1 and keys[0].field == "_score" and keys[0].descending:
        return []
    return keys


def sort_hits(
    snapshot: Snapshot, clause: Clause, keys: Sequence[Key], request: SearchRequest
) -> tuple[int, list[Hit], list[list[Any]]]:
    """How many were found, all of them in order, and each one's sort values."""
    hits = find_all(snapshot, clause)
    if request.min_score is not None:
        hits = [hit for hit in hits if hit.score >= request.min_score]
    columns = [_values(snapshot, key, hits) for key in keys]
    order = list(range(len(hits)))
    for key, values in reversed(list(zip(keys, columns, strict=True))):
        ranks = [_rank(key, value) for value in values]
        order.sort(key=ranks.__getitem__, reverse=key.descending)
    if request.search_after is not None:
        order = _after(keys, columns, order, request)
    rows = [[_shown(values[position]) for values in columns] for position in order]
    return len(hits), [hits[position] for position in order], rows


def _pairs(item: Any) -> list[tuple[str, Any]]:
    if isinstance(item, str):
        return [(item, {})]
    if not isinstance(item, dict):
        raise illegal_argument(f"malformed sort format, got [{item}]")
    return list(item.items())


def _read_key(snapshot: Snapshot, name: str, options: Any) -> Key:
    options = {"order": options} if isinstance(options, str) else read_object("sort", options)
    for option in options.keys() - OPTIONS:
        if option in ELSEWHERE or name.startswith("_"):
            raise unsupported(f"sort.{name}.{option}" if name[0] == "_" else f"sort.{option}")
        raise malformed(f"[field_sort] unknown field [{option}]")
    descending = _is_descending(options.get("order", "desc" if name == "_score" else "asc"))
    if name in UNMAPPED:
        return Key(name, descending)
    if name.startswith("_"):
        raise unsupported(f"sort by {name}")
    column = snapshot.columns.get(name)
    if column is None and "unmapped_type" not in options:
        raise ShardFailure(
            "query_shard_exception", f"No mapping found for [{name}] in order to sort on"
        )
    if column is not None and not column.field.doc_values:
        raise no_doc_values(name, column.field.type)
    unmapped = options.get("unmapped_type", "long")
    if not isinstance(unmapped, str):
        raise malformed("[field_sort] unmapped_type doesn't support values of this type")
    type = column.field.type if column else unmapped
    mode = options.get("mode", "max" if descending else "min")
    if mode not in ("min", "max"):
        raise unsupported(f"sort.mode {mode}")
    return Key(name, descending, column, options.get("missing", "_last"), mode == "max", type)


def _is_descending(order: Any) -> bool:
    if str(order).lower() not in ("asc", "desc"):
        raise illegal_argument(
            f"No enum constant org.opensearch.search.sort.SortOrder.{str(order).upper()}"
        )
    return str(order).lower() == "desc"


def _values(snapshot: Snapshot, key: Key, hits: list[Hit]) -> list[Any]:
    if key.field == "_score":
        return [hit.score for hit in hits]
    if key.field in ("_doc", "_seq_no"):
        return [hit.seq_no for hit in hits]
    missing = _missing(key)
    if key.column is None or not hits:
        return [missing] * len(hits)
    seq_nos, addresses = [hit.seq_no for hit in hits], [hit.address for hit in hits]
    lists = snapshot.values(key.column, seq_nos, addresses)
    chosen = -1 if key.greatest else 0
    values = [items[chosen] if items else missing for items in lists]
    return [int(value) for value in values] if key.type == "boolean" else values


def _missing(key: Key) -> Any:
    """What stands for no value: the type's extreme, by which it comes last (or first)."""
    if key.missing not in ("_first", "_last"):
        return _parse(key, key.missing)
    if key.type == "keyword":
        return None
    high = (key.missing == "_last") != key.descending
    if key.type in FLOAT_CODES:
        return math.inf if high else -math.inf
    bits = BITS.get(key.type, 32)
    return (1 << (bits - 1)) - 1 if high else -(1 << (bits - 1))


def _parse(key: Key, value: Any) -> Any:
    """A value that the request gives: ``missing``, or of ``search_after``."""
    if key.type == "date" and isinstance(value, str) and key.column is not None:
        return parse_date(value, key.column.field.format)
    if key.type in FLOAT_CODES and value in ("Infinity", "-Infinity"):
        return float(value.replace("Infinity", "inf"))
    type = "long" if key.type in ("date", "boolean") else key.type
    if value in (None, "") and key.type != "keyword":
        reason = f"Failed to parse value [{value}] for field [{key.field}]."
        raise ShardFailure("illegal_argument_exception", reason)
    try:
        return None if value is None else parse_value(value, type, "")
    except ValueRefused as error:
        raise ShardFailure(error.type, error.reason) from None


def _rank(key: Key, value: Any) -> Any:
    """Comparable: text by its UTF-8 bytes as Lucene does, what is missing at its end."""
    if key.type != "keyword" or key.column is None:
        return value
    if value is None:
        return ((key.missing == "_last") != key.descending, b"")
    before_missing = (key.missing == "_last") != key.descending
    return (not before_missing, str(value).encode())


def _after(
    keys: Sequence[Key], columns: list[list[Any]], order: list[int], request: SearchRequest
) -> list[int]:
    """What comes behind the sort values of the last page."""
    given = request.search_after
    if len(given) != len(keys):
        raise ShardFailure(
            "illegal_argument_exception",
            f"search_after has {len(given)} value(s) but sort has {len(keys)}.",
        )
    if request.start:
        raise ShardFailure(
            "search_exception",
            "`from` parameter must be set to 0 when `search_after` is used.",
            status=500,
        )
    cursor = [
        value if key.column is None else _parse(key, value)
        for key, value in zip(keys, given, strict=True)
    ]
    return [
        position
        for position in order
        if _is_after(keys, [values[position] for values in columns], cursor)
    ]


def _is_after(keys: Sequence[Key], row: list[Any], cursor: list[Any]) -> bool:
    for key, value, last in zip(keys, row, cursor, strict=True):
        if key.field == "_score" and abs(value - last) <= SAME * abs(last):
            continue
        here, there = _rank(key, value), _rank(key, last)
        if here != there:
            return bool((here < there) if key.descending else (here > there))
    return False


def _shown(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
