"""Which snapshot is live: resolved by the index's own `_meta`, opened once, kept while it is used.

The engine says what is live: the alias names the index, the index names its folder. A name is
looked at again in the background when it was last looked at longer ago than the poll interval. A
new generation, or one with new segments, is opened and warmed before it takes the old one's place,
so no request pays for it. Where nobody has searched for a while, the first search asks whether the
index is still the live one: it is never answered by one that was replaced long ago.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from opensearchpy import OpenSearch
from opensearchpy.exceptions import AuthorizationException, NotFoundError

from endcap.breakers import Breakers
from endcap.cursors import Cursor
from endcap.opening import Opener, Snapshot
from endcap.openings import LiveIndex, Openings, Unavailable
from endcap.plans import Budget
from endcap.search_pipelines import default_pipeline
from endcap.steps import (
    Abandoned,
    Background,
    Call,
    Computation,
    Late,
    Outcome,
    Steps,
    outcome_within,
)
from endcap_indexer.encoder import Encoder

NO_STORE = "no store: pass store=, set ENDCAP_STORE or write store in endcap.toml"
CURRENT = 2  # poll intervals after which a search asks first whether the index is still live
LOOK_LIMIT_S = 60.0  # after which a look that has not ended is not waited for any more

Resolved: TypeAlias = Snapshot | Unavailable
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry:
    resolved: Resolved
    looked: float  # when, in `time.monotonic` seconds


class Snapshots:
    """The open snapshots of one client. Thread-safe; a forked child begins with none.

    plain: a client on the same connections, for what waits for the engine while it opens.
    """

    def __init__(
        self,
        store: Path | None,
        *,
        poll_interval_s: float,
        cached_queries: int,
        breakers: Breakers,
        plain: Callable[[], OpenSearch],
    ) -> None:
        self._store = store
        self._poll_interval_s = poll_interval_s
        self._cached_queries = cached_queries
        self._breakers = breakers
        self._plain = plain
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._live: dict[str, _Entry] = {}
        self._looks: dict[str, float] = {}  # that are under way, and since when
        self._lock = threading.Lock()
        self._openings = (
            None
            if self._store is None
            else Openings(Opener(self._store, cached_queries=self._cached_queries), self._breakers)
        )

    def resolve(self, index: Any, budget: Budget | None = None) -> Steps[Resolved]:
        """The live snapshot of an index or alias, looked at again behind when that is due.

        A search with a budget does not wait for anything to be opened.
        """
        if self._openings is None:
            return Unavailable(NO_STORE)
        name = _expression(index)
        if name is None:
            return Unavailable("no index of this cluster is named: passed through")
        if _is_pattern(name):
            return (yield from self._match(name, budget))
        return (yield from self._follow(name, budget))

    def resolve_now(self, index: Any, *, again: bool = False) -> Steps[Resolved]:
        """As `resolve`, for who writes: what is due to be looked at, or `again`, is so first. The
        write itself asks the engine too, so a breaker spares it nothing.
        """
        name = _expression(index)
        if self._openings is None or name is None or _is_pattern(name):
            return (yield from self.resolve(index))
        entry = self._live.get(name)
        if entry is not None and isinstance(entry.resolved, Snapshot) and not again:
            if time.monotonic() - entry.looked <= self._poll_interval_s:
                return entry.resolved
        return (yield from self._look(name, insists=True))

    def encoder(self, name: str) -> Encoder:
        """The encoder of this name, opened once for queries and for products."""
        assert self._openings is not None  # without a store nothing resolves to a generation
        return self._openings.encoder(name)

    def _match(self, pattern: str, budget: Budget | None) -> Steps[Resolved]:
        """What a pattern stands for, which any new index may change: asked with every search."""
        asked = yield from self._hear(pattern, _call("indices.get_alias", pattern), budget)
        if isinstance(asked.error, (Abandoned, Late)):
            return Unavailable(_unknown(pattern, asked.error))
        found = asked.result()
        if len(found) != 1:
            return Unavailable(f"{pattern} names {len(found)} indices: passed through")
        ((index, body),) = found.items()
        if (narrowed := _narrowed(body["aliases"])) is not None:
            return narrowed
        return (yield from self._follow(index, budget))

    def _follow(self, name: str, budget: Budget | None) -> Steps[Resolved]:
        entry = self._live.get(name)
        if entry is None:
            return (yield from self._begin_with(name, budget))
        age = time.monotonic() - entry.looked
        if age <= self._poll_interval_s or not self._claim(name):
            return entry.resolved
        if age > CURRENT * self._poll_interval_s and isinstance(entry.resolved, Snapshot):
            return (yield from self._catch_up(name, entry.resolved, budget))
        yield Background(self._look(name))
        return entry.resolved

    def _begin_with(self, name: str, budget: Budget | None) -> Steps[Resolved]:
        """The first look: waited for, unless there is a budget."""
        if budget is None:
            return (yield from self._look(name))
        if self._claim(name):
            yield Background(self._look(name))
        return Unavailable(f"{name} is being opened")

    def _catch_up(self, name: str, known: Snapshot, budget: Budget | None) -> Steps[Resolved]:
        """What is live after a while in which nobody looked."""
        asked = yield from self._hear(name, self._ask(name), budget)
        if asked.error is not None:  # whether the index is still there, the search itself shows
            self._release(name)
            return known
        live = asked.result()
        if isinstance(live, LiveIndex) and live.is_of(known.generation):
            yield Background(self._settle(name, live))
            return known
        if budget is None or isinstance(live, Unavailable):
            return (yield from self._settle(name, live))
        self._live.pop(name, None)  # searches without a budget wait for the new one
        yield Background(self._settle(name, live))
        return Unavailable(f"{name} is being opened")

    def _look(self, name: str, *, insists: bool = False) -> Steps[Resolved]:
        try:
            asked = yield from self._hear(name, self._ask(name), None, insists=insists)
        except BaseException:
            self._release(name)
            raise
        if asked.error is None:
            return (yield from self._settle(name, asked.result()))
        self._release(name)
        if isinstance(asked.error, Abandoned):
            entry = self._live.get(name)
            return Unavailable(str(asked.error)) if entry is None else entry.resolved
        raise asked.error

    def _hear(
        self, name: str, steps: Steps[T], budget: Budget | None, *, insists: bool = False
    ) -> Steps[Outcome[T]]:
        """What the engine says of a name, in time; who does not insist heeds the breaker."""
        breaker = self._breakers.of(name, f"looking at {name}")
        if not breaker.admits() and not insists:
            return Outcome(error=Abandoned(breaker.reason))
        outcome = yield from outcome_within(_end(budget), steps)
        if outcome.error is None or isinstance(outcome.error, NotFoundError):
            breaker.succeeded()
        else:
            breaker.failed(_unknown(name, outcome.error))
        return outcome

    def _ask(self, name: str) -> Steps[LiveIndex | Unavailable]:
        """What the engine says that a name stands for."""
        try:
            found = yield Call("indices.get", {"index": name})
        except AuthorizationException as error:
            return Unavailable(f"{name} may be searched, but not looked at: {error.error}")
        if len(found) != 1:
            return Unavailable(f"{name} names {len(found)} indices: passed through")
        ((index, body),) = found.items()
        aliases = body.get("aliases", {})
        if name in aliases and (narrowed := _narrowed({name: aliases[name]})) is not None:
            return narrowed
        meta = body["mappings"].get("_meta", {}).get("endcap")
        if meta is None:
            return Unavailable(f"{index} was not built by endcap reindex, nor attached")
        return LiveIndex(index, meta, (yield from default_pipeline(body["settings"])))

    def _settle(self, name: str, live: LiveIndex | Unavailable) -> Steps[Resolved]:
        """Open what is not open yet; searches use it from then on."""
        openings = self._openings
        assert openings is not None  # resolve() looked
        client = self._plain()
        try:
            resolved: Resolved = (
                live
                if isinstance(live, Unavailable)
                else (yield Computation(lambda: openings.resolve(live, client)))
            )
            return self._enter(name, resolved)
        finally:
            self._release(name)

    def _enter(self, name: str, resolved: Resolved) -> Resolved:
        self._live[name] = _Entry(resolved, time.monotonic())
        return resolved

    def _claim(self, name: str) -> bool:
        """Whether this search is the one that looks; one that hangs does not look for ever."""
        now = time.monotonic()
        with self._lock:
            if now - self._looks.get(name, -LOOK_LIMIT_S) < LOOK_LIMIT_S:
                return False
            self._looks[name] = now
            return True

    def _release(self, name: str) -> None:
        with self._lock:
            self._looks.pop(name, None)

    def drop(self, index: Any, cursor: Cursor | None) -> bool:
        """Forget what turned out to be gone: the live resolution, and what a cursor pins. Whether
        there was anything to forget.
        """
        name = _expression(index)
        entry = self._live.pop(name, None) if name is not None else None
        live = entry.resolved if entry is not None else None
        if self._openings is not None:
            self._openings.forget(cursor, live if isinstance(live, Snapshot) else None)
        return entry is not None or cursor is not None

    def pinned(self, generation: str, model: str | None) -> Snapshot | None:
        """The snapshot that a cursor names, if it is still open."""
        return None if self._openings is None else self._openings.opened(generation, model)


def _begin_anew(found: "weakref.ref[Snapshots]") -> None:
    """In a forked child: its parent's locks may be held, its sessions have lost their threads."""
    if (snapshots := found()) is not None:
        snapshots._begin()


def _expression(index: Any) -> str | None:
    """The names of a request as one; None for all indices, a date or another cluster's."""
    if isinstance(index, (list, tuple)) and all(isinstance(name, str) for name in index):
        index = ",".join(dict.fromkeys(index))
    if not isinstance(index, str) or index in ("", "_all", "*"):
        return None
    return None if any(sign in index for sign in "<:") else index


def _narrowed(aliases: Mapping[str, Any]) -> Unavailable | None:
    """An alias may show less than its index, which is what a search pins."""
    for alias, options in aliases.items():
        if options.keys() - {"is_write_index", "is_hidden"}:
            return Unavailable(f"the alias {alias} has a filter or a routing: passed through")
    return None


def _is_pattern(name: str) -> bool:
    """Whether it may stand for several indices, an alias apart."""
    return any(sign in name for sign in "*?,")


def _unknown(name: str, error: Exception) -> str:
    late = isinstance(error, Late)
    return f"what {name} stands for was not known in time" if late else str(error)


def _call(method: str, index: str) -> Steps[Any]:
    return (yield Call(method, {"index": index}))


def _end(budget: Budget | None) -> float | None:
    return None if budget is None else budget.until(1)
