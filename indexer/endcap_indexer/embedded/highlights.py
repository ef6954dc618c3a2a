"""Highlighting."""

from collections.abc import Sequence
from typing import Any

from .clauses import Clause
from .documents import StoredDocument
from .errors import unsupported
from .ranking import Hit
from .snapshots import Snapshot


def add_highlights(
    snapshot: Snapshot,
    body: dict[str, Any],
    clause: Clause,
    hits: Sequence[Hit],
    documents: dict[int, StoredDocument],
    rendered: list[dict[str, Any]],
) -> None:
    raise unsupported("highlight")
