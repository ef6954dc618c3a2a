"""A search: read, recall, fuse, re-rank, answer. Written without I/O; `drivers` performs it."""

import logging
from typing import Any

from opensearchpy.exceptions import ConnectionError, NotFoundError, TransportError

from endcap.bodies import Bypass, Reading, read_body
from endcap.configuration import SearchSettings
from endcap.histories import Identify
from endcap.opening import Snapshot
from endcap.plans import make_plan
from endcap.requests import SearchRequest
from endcap.responses import with_extension
from endcap.snapshots import Resolved, Snapshots
from endcap.stages import Account, Search, Unranked
from endcap.steps import Call, Steps

OVERLOADED = (429, 503)

logger = logging.getLogger("endcap")


def search(
    request: SearchRequest,
    snapshots: Snapshots,
    settings: SearchSettings,
    identify: Identify | None,
) -> Steps[Any]:
    """One search: re-ranked, or as the plain client would ask it, with the reason."""
    answer = yield from attempt(request, snapshots, settings, identify)
    if not isinstance(answer, Unranked):
        return answer
    response = yield Call("search", request.plain_keywords())
    return with_extension(response, {"applied": False, "reason": answer.reason})


def attempt(
    request: SearchRequest,
    snapshots: Snapshots,
    settings: SearchSettings,
    identify: Identify | None,
) -> Steps[Any]:
    """One search re-ranked, or `Unranked`: the engine's own answer is the one to give.

    An error of ours becomes the engine's own answer; the engine's own stays one.
    """
    try:
        return (yield from _search(request, snapshots, settings, identify))
    except ConnectionError:
        raise  # asking again would double the shop's wait
    except TransportError as error:  # the caller's mistake or ours: the plain request shows
        if error.status_code in OVERLOADED:
            raise
        return Unranked(f"{type(error).__name__}: {error.error}")
    except Exception as error:  # noqa: BLE001 - an error of ours never becomes one of the shop's
        logger.warning("a search was answered in the engine's own order", exc_info=error)
        return Unranked(f"{type(error).__name__}: {error}")


def _search(
    request: SearchRequest,
    snapshots: Snapshots,
    settings: SearchSettings,
    identify: Identify | None,
) -> Steps[Any]:
    reading = read_body(request)
    if isinstance(reading, Bypass):
        return Unranked(reading.reason)

    def ranked(resolved: Resolved) -> Steps[Any]:
        return _rank(request, snapshots, resolved, reading, settings, identify)

    try:
        return (yield from ranked((yield from snapshots.resolve(request.index))))
    except NotFoundError:  # the pinned index is gone: look which one is live now, once
        if not snapshots.drop(request.index, request.options.cursor):
            raise
        return (yield from ranked((yield from snapshots.resolve(request.index))))


def _rank(
    request: SearchRequest,
    snapshots: Snapshots,
    resolved: Resolved,
    reading: Reading,
    settings: SearchSettings,
    identify: Identify | None,
) -> Steps[Any]:
    if not isinstance(resolved, Snapshot):
        return Unranked(resolved.reason)
    snapshot, notes = _pin(snapshots, resolved, request)
    if snapshot.pipeline is not None and (reason := snapshot.pipeline.objection(request)):
        return Unranked(reason)
    plan = make_plan(request.options, settings, snapshot.tuning)
    return (yield from Search(request, reading, snapshot, plan, identify, Account([*notes])).run())


def _pin(
    snapshots: Snapshots, live: Snapshot, request: SearchRequest
) -> tuple[Snapshot, tuple[str, ...]]:
    """The snapshot that the request's cursor names while it is open, else the live one; notes."""
    cursor = request.options.cursor
    if cursor is None or live.identity == (cursor.generation, cursor.model):
        return live, live.notes
    pinned = snapshots.pinned(cursor.generation, cursor.model)
    if pinned is None:
        gone = f"the cursor's generation {cursor.generation} is gone: this page is of the live one"
        return live, (*live.notes, gone)
    return pinned, pinned.notes
