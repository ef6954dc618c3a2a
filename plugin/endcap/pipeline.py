"""A search: read, recall, fuse, re-rank, answer. Written without I/O; `drivers` performs it."""

import logging
from dataclasses import dataclass
from typing import Any

from opensearchpy.exceptions import NotFoundError, TransportError

from endcap.accounts import Account
from endcap.bodies import Bypass, Reading, read_body
from endcap.breakers import Breakers
from endcap.configuration import SearchSettings
from endcap.histories import Identify
from endcap.legs import Unanswered
from endcap.opening import Snapshot
from endcap.plans import Budget, begin_budget, make_plan
from endcap.requests import SearchRequest
from endcap.responses import with_extension
from endcap.snapshots import Resolved, Snapshots
from endcap.stages import Search, Unranked
from endcap.steps import Call, Steps
from endcap_indexer.generations import index_of

logger = logging.getLogger("endcap")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What all searches of a client share."""

    snapshots: Snapshots
    settings: SearchSettings
    breakers: Breakers

    def search(self, request: SearchRequest, identify: Identify | None) -> Steps[Any]:
        """One search: re-ranked, or as the plain client would ask it, with the reason."""
        answer = yield from self.attempt(request, identify)
        if not isinstance(answer, Unranked):
            return answer
        response = yield Call("search", request.plain_keywords())
        return with_extension(response, {"applied": False, "reason": answer.reason})

    def attempt(self, request: SearchRequest, identify: Identify | None) -> Steps[Any]:
        """One search re-ranked, or `Unranked`: the engine's own answer is the one to give.

        An error of ours becomes the engine's own answer; the engine's own stays one.
        """
        try:
            return (yield from self._search(request, identify))
        except Unanswered as unanswered:
            raise unanswered.error from None
        except TransportError as error:  # the caller's mistake or ours: the plain request shows
            return Unranked(f"{type(error).__name__}: {error.error}")
        except Exception as error:  # noqa: BLE001 - an error of ours never becomes one of the shop's
            logger.warning("a search was answered in the engine's own order", exc_info=error)
            return Unranked(f"{type(error).__name__}: {error}")

    def _search(self, request: SearchRequest, identify: Identify | None) -> Steps[Any]:
        reading = read_body(request)
        if isinstance(reading, Bypass):
            return Unranked(reading.reason)
        budget = begin_budget(request.options, self.settings)

        def ranked() -> Steps[Any]:
            resolved = yield from self.snapshots.resolve(request.index, budget)
            return (yield from self._rank(request, resolved, reading, budget, identify))

        try:
            return (yield from ranked())
        except NotFoundError:  # the pinned index is gone: look which one is live now, once
            if not self.snapshots.drop(request.index, request.options.cursor):
                raise
            return (yield from ranked())

    def _rank(
        self,
        request: SearchRequest,
        resolved: Resolved,
        reading: Reading,
        budget: Budget | None,
        identify: Identify | None,
    ) -> Steps[Any]:
        if not isinstance(resolved, Snapshot):
            return Unranked(resolved.reason)
        snapshot, notes = self._pin(resolved, request)
        if snapshot.pipeline is not None and (reason := snapshot.pipeline.objection(request)):
            return Unranked(reason)
        plan = make_plan(request.options, self.settings, snapshot.tuning, budget)
        account = Account([*notes], self.breakers, index_of(snapshot.generation.name))
        return (yield from Search(request, reading, snapshot, plan, identify, account).run())

    def _pin(self, live: Snapshot, request: SearchRequest) -> tuple[Snapshot, tuple[str, ...]]:
        """The snapshot that the request's cursor names while it is open, else the live one;
        notes.
        """
        cursor = request.options.cursor
        if cursor is None or live.identity == (cursor.generation, cursor.model):
            return live, live.notes
        pinned = self.snapshots.pinned(cursor.generation, cursor.model)
        if pinned is None:
            gone = (
                f"the cursor's generation {cursor.generation} is gone: this page is of the live one"
            )
            return live, (*live.notes, gone)
        return pinned, pinned.notes
