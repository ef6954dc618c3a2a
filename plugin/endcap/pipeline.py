"""A search: read, recall, fuse, re-rank, answer. Written without I/O; `drivers` performs what it
yields.
"""

import logging
from typing import Any

from opensearchpy.exceptions import NotFoundError, OpenSearchException

from endcap.bodies import Bypass, Reading, read_body
from endcap.configuration import SearchSettings
from endcap.requests import SearchRequest
from endcap.responses import with_extension
from endcap.snapshots import Resolved, Snapshot, Snapshots
from endcap.stages import Search
from endcap.steps import Call, Steps

logger = logging.getLogger("endcap")


def search(
    request: SearchRequest, snapshots: Snapshots, settings: SearchSettings, shopper: str | None
) -> Steps[Any]:
    """One search. An error of ours becomes the engine's own answer with the reason; an error of the
    engine stays.
    """
    try:
        reading = read_body(request)
        if isinstance(reading, Bypass):
            return (yield from bypass(request, reading.reason))

        def ranked(resolved: Resolved) -> Steps[Any]:
            return _search(request, snapshots, resolved, reading, settings, shopper)

        try:
            return (yield from ranked((yield from snapshots.resolve(request.index))))
        except NotFoundError:  # the pinned index is gone: look which one is live now, once
            return (yield from ranked((yield from snapshots.renew(request.index))))
    except OpenSearchException as error:  # the caller's mistake or ours: the plain request shows
        return (yield from bypass(request, f"{type(error).__name__}: {error}"))
    except Exception as error:  # noqa: BLE001 - an error of ours never becomes an error of the shop's search
        logger.warning("a search was answered in the engine's own order", exc_info=error)
        return (yield from bypass(request, f"{type(error).__name__}: {error}"))


def bypass(request: SearchRequest, reason: str) -> Steps[Any]:
    """The engine's own answer, and why it is that."""
    response = yield Call("search", request.keywords())
    return with_extension(response, {"applied": False, "reason": reason})


def _search(
    request: SearchRequest,
    snapshots: Snapshots,
    resolved: Resolved,
    reading: Reading,
    settings: SearchSettings,
    shopper: str | None,
) -> Steps[Any]:
    if not isinstance(resolved, Snapshot):
        return (yield from bypass(request, resolved.reason))
    snapshot, note = _pin(snapshots, resolved, request)
    return (yield from Search(request, reading, snapshot, settings, shopper, note).run())


def _pin(
    snapshots: Snapshots, live: Snapshot, request: SearchRequest
) -> tuple[Snapshot, str | None]:
    """The snapshot that the request's cursor names while it is open, else the live one, and a note
    of that.
    """
    cursor = request.options.cursor
    if cursor is None or live.identity == (cursor.generation, cursor.model):
        return live, None
    pinned = snapshots.pinned(cursor.generation, cursor.model)
    if pinned is None:
        return (
            live,
            f"the cursor's generation {cursor.generation} is gone: this page is of the live one",
        )
    return pinned, None
