"""Scrolls: the hits of a search as they were when it began, page after page."""

import threading
import time
import uuid
from dataclasses import dataclass, field

from .failures import ShardFailure
from .search import Found
from .search_request import SearchRequest
from .snapshots import Snapshot


@dataclass
class Scroll:
    """An open scroll: what was found, and how far it has been read."""

    snapshot: Snapshot
    request: SearchRequest
    found: Found
    expires: float  # time.monotonic() at which it is closed
    position: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Scrolls:
    """The open scrolls of a process; one that nobody asked for in time is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Scroll] = {}

    def keep(self, scroll: Scroll) -> None:
        """Keeps it open until it expires, and drops those that have expired."""
        now = time.monotonic()
        with self._lock:
            self._open = {id: other for id, other in self._open.items() if other.expires > now}
            self._open[scroll.id] = scroll

    def get(self, id: str) -> Scroll:
        """Raises 404 for a scroll that is not open."""
        with self._lock:
            scroll = self._open.get(id)
        if scroll is None or scroll.expires <= time.monotonic():
            reason = f"No search context found for id [{id}]"
            raise ShardFailure("search_context_missing_exception", reason, status=404)
        return scroll

    def clear(self, ids: list[str]) -> int:
        """Closes them, ``_all`` all; returns how many there were."""
        with self._lock:
            names = list(self._open) if "_all" in ids else ids
            return sum(self._open.pop(id, None) is not None for id in names)
