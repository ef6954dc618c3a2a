"""Scrolls: the hits of a search as they were when it began, page after page."""

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import RequestError


@dataclass
class Scroll:
    """An open scroll: the hits without their sources, and how far it has been read."""

    index: str
    head: dict[str, Any]  # the response without hits.hits
    hits: list[dict[str, Any]]
    size: int
    position: int = 0
    expires: float = 0.0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def next_page(self) -> list[dict[str, Any]]:
        page = self.hits[self.position : self.position + self.size]
        self.position += len(page)
        return page


class Scrolls:
    """The open scrolls of a process; one that nobody asked for in time is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Scroll] = {}

    def keep(self, scroll: Scroll, seconds: float) -> None:
        with self._lock:
            now = time.monotonic()
            self._open = {id: other for id, other in self._open.items() if other.expires > now}
            scroll.expires = now + seconds
            self._open[scroll.id] = scroll

    def get(self, id: str) -> Scroll:
        with self._lock:
            scroll = self._open.get(id)
        if scroll is None or scroll.expires <= time.monotonic():
            raise _no_context(id)
        return scroll

    def clear(self, ids: list[str]) -> int:
        """Closes them, ``_all`` all; returns how many there were."""
        with self._lock:
            names = list(self._open) if "_all" in ids else ids
            return sum(self._open.pop(id, None) is not None for id in names)


def _no_context(id: str) -> RequestError:
    reason = f"No search context found for id [{id}]"
    return RequestError(404, "search_context_missing_exception", reason)
