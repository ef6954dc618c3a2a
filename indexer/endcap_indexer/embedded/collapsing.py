"""Collapsing: of the hits that share a value of a field the best one alone."""

from collections.abc import Sequence
from typing import Any

from .columns import Column
from .errors import malformed, unsupported
from .failures import ShardFailure
from .ranking import Hit
from .snapshots import Snapshot


def read_collapse(body: Any) -> str:
    """The field to collapse by."""
    for key in body.keys() - {"field", "max_concurrent_group_searches"}:
        if key == "inner_hits":
            raise unsupported("collapse.inner_hits")
        raise malformed(f"[collapse] unknown field [{key}]")
    field = body.get("field")
    if not isinstance(field, str):
        raise malformed("[collapse] field doesn't support values of this type")
    return field


def choose_best(snapshot: Snapshot, field: str, hits: Sequence[Hit]) -> list[int]:
    """The positions of the first hit of each value; hits without a value are a group too."""
    column = _column(snapshot, field)
    seq_nos, addresses = [hit.seq_no for hit in hits], [hit.address for hit in hits]
    values = snapshot.values(column, seq_nos, addresses) if hits else []
    if any(len(items) > 1 for items in values):
        raise ShardFailure(
            "illegal_state_exception",
            "failed to collapse, the collapse field must be single valued",
            status=500,
        )
    best: dict[Any, int] = {}
    for position, items in enumerate(values):
        best.setdefault(items[0] if items else None, position)
    return list(best.values())


def _column(snapshot: Snapshot, field: str) -> Column:
    column = snapshot.columns.get(field)
    if column is None:
        reason = f"no mapping found for `{field}` in order to collapse on"
        raise ShardFailure("illegal_argument_exception", reason)
    if column.field.type in ("text", "date", "boolean"):
        reason = (
            f"unknown type for collapse field `{field}`, only keywords and numbers are accepted"
        )
        raise ShardFailure("illegal_argument_exception", reason)
    if not column.field.doc_values:
        reason = f"cannot collapse on field `{field}` without `doc_values`"
        raise ShardFailure("illegal_argument_exception", reason)
    return column
