"""The dialects in which shops write events, all brought to one: the row of a plain table.

UBI 1.3 nests the product in `event_attributes.object.object_id`, and keeps what was typed in a row
of `ubi_queries` with the same `query_id`. Metarank writes rows of four kinds (`event` is item,
user, ranking or interaction); a ranking holds what was typed, an interaction names its ranking.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

UBI_ITEM = "event_attributes.object.object_id"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "user_id", "client_id"),
    "session": ("session", "session_id"),
    "item": ("item", "item_id", "product_id", "object_id", UBI_ITEM),
    "action": ("action", "action_name", "event", "type"),
    "time": ("time", "timestamp"),
    "position": ("position",),
    "query": ("query", "user_query"),
    "search": ("query_id", "ranking"),
}
METARANK = ("item", "user", "ranking", "interaction")


class Typed(NamedTuple):
    """What was typed in a search, by the search's id."""

    search: str
    text: str


def plain(row: Mapping[str, Any]) -> Mapping[str, Any] | Typed | None:
    """An event as the row of a plain table, or what was typed; None: a row that is neither."""
    if (kind := row.get("event")) in METARANK and isinstance(kind, str):
        return _metarank(kind, row)
    if isinstance(attributes := row.get("event_attributes"), Mapping):
        product = attributes.get("object")
        return {**row, UBI_ITEM: product.get("object_id") if isinstance(product, Mapping) else None}
    if "query_id" in row and "user_query" in row and not _holds(row, ("action", "item")):
        return Typed(str(row["query_id"]), str(row["user_query"] or ""))
    return row


def _metarank(kind: str, row: Mapping[str, Any]) -> Mapping[str, Any] | Typed | None:
    if kind == "interaction":
        return {name: value for name, value in row.items() if name != "event"}
    if kind != "ranking":
        return None
    features = row.get("fields")
    for feature in features if isinstance(features, Iterable) else ():
        if isinstance(feature, Mapping) and feature.get("name") in FIELDS["query"]:
            return Typed(str(row.get("id")), str(feature.get("value") or ""))
    return None


def _holds(row: Mapping[str, Any], roles: tuple[str, ...]) -> bool:
    return any(name in row for role in roles for name in FIELDS[role])
