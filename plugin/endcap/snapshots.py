"""Which snapshot is live: resolved by the index's own `_meta`, opened once, kept while it is used.

The engine says what is live: the alias names the index, the index names its folder. A name is
resolved again in the background when its last resolution is older than the poll interval. A new
generation, or one with new segments, is opened and warmed before it takes the old one's place, so
no request pays for it.
"""

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from opensearchpy.exceptions import AuthorizationException

from endcap.cursors import Cursor
from endcap.opening import CANNOT_BE_USED, Opener, Snapshot
from endcap.registry import model_name
from endcap.search_pipelines import SearchPipeline, default_pipeline
from endcap.steps import Background, Call, Computation, Steps
from endcap_indexer.encoder import Encoder
from endcap_indexer.generations import Generation, index_of

KEPT = 3  # open snapshots of one index: the live one and what cursors may still name
NO_STORE = "no store: pass store=, set ENDCAP_STORE or write store in endcap.toml"
Identity: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The index is searched as plain opensearch-py would, for this reason."""

    reason: str


Resolved: TypeAlias = Snapshot | Unavailable


@dataclass(slots=True)
class _Entry:
    resolved: Resolved
    checked: float


class Snapshots:
    """The open snapshots of one client. Thread-safe; a forked child begins with none."""

    def __init__(self, store: Path | None, *, poll_interval_s: float, cached_queries: int) -> None:
        self._store = store
        self._poll_interval_s = poll_interval_s
        self._cached_queries = cached_queries
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._live: dict[str, _Entry] = {}
        self._opened: dict[str, OrderedDict[Identity, Snapshot]] = {}
        self._lock = threading.Lock()
        self._opener = (
            None
            if self._store is None
            else Opener(self._store, cached_queries=self._cached_queries)
        )

    def resolve(self, index: Any) -> Steps[Resolved]:
        """The live snapshot of an index or alias, looked at again behind when that is due."""
        if self._opener is None:
            return Unavailable(NO_STORE)
        name = _expression(index)
        if name is None:
            return Unavailable("no index of this cluster is named: passed through")
        if _is_pattern(name):
            return (yield from self._match(name))
        return (yield from self._follow(name))

    def resolve_now(self, index: Any, *, again: bool = False) -> Steps[Resolved]:
        """As `resolve`, for who writes: what is due to be looked at, or `again`, is so first."""
        name = _expression(index)
        entry = None if name is None else self._live.get(name)
        if self._opener is None or name is None or entry is None or _is_pattern(name):
            return (yield from self.resolve(index))
        if again or time.monotonic() - entry.checked > self._poll_interval_s:
            return (yield from self._look(name))
        return entry.resolved

    def encoder(self, name: str) -> Encoder:
        """The encoder of this name, opened once for queries and for products."""
        assert self._opener is not None  # without a store nothing resolves to a generation
        return self._opener.encoder(name)

    def _match(self, pattern: str) -> Steps[Resolved]:
        """What a pattern stands for, which any new index may change: asked with every search."""
        found = yield Call("indices.get_alias", {"index": pattern})
        if len(found) != 1:
            return Unavailable(f"{pattern} names {len(found)} indices: passed through")
        ((index, body),) = found.items()
        if (narrowed := _narrowed(body["aliases"])) is not None:
            return narrowed
        return (yield from self._follow(index))

    def _follow(self, name: str) -> Steps[Resolved]:
        entry = self._live.get(name)
        if entry is None:
            return (yield from self._look(name))
        if time.monotonic() - entry.checked > self._poll_interval_s:
            entry.checked = time.monotonic()
            yield Background(self._look(name))
        return entry.resolved

    def drop(self, index: Any, cursor: Cursor | None) -> bool:
        """Forget what turned out to be gone: the live resolution, and what a cursor pins. Whether
        there was anything to forget.
        """
        name = _expression(index)
        entry = self._live.pop(name, None) if name is not None else None
        for opened in self._opened.values():
            if cursor is not None:
                opened.pop((cursor.generation, cursor.model), None)
            if entry is not None and isinstance(entry.resolved, Snapshot):
                opened.pop(entry.resolved.identity, None)
        return entry is not None or cursor is not None

    def pinned(self, generation: str, model: str | None) -> Snapshot | None:
        """The snapshot that a cursor names, if it is still open."""
        return self._opened.get(index_of(generation), OrderedDict()).get((generation, model))

    def _look(self, name: str) -> Steps[Resolved]:
        try:
            resolved = yield from self._find(name)
        except AuthorizationException as error:
            resolved = Unavailable(f"{name} may be searched, but not looked at: {error.error}")
        self._live[name] = _Entry(resolved, time.monotonic())
        return resolved

    def _find(self, name: str) -> Steps[Resolved]:
        found = yield Call("indices.get", {"index": name})
        if len(found) != 1:
            return Unavailable(f"{name} names {len(found)} indices: passed through")
        ((index, body),) = found.items()
        aliases = body.get("aliases", {})
        if name in aliases and (narrowed := _narrowed({name: aliases[name]})) is not None:
            return narrowed
        meta = body["mappings"].get("_meta", {}).get("endcap")
        if meta is None:
            return Unavailable(f"{index} was not built by endcap reindex, nor attached")
        pipeline = yield from default_pipeline(body["settings"])
        resolved: Resolved = yield Computation(lambda: self._resolve(index, meta, pipeline))
        return resolved

    def _resolve(
        self, index: str, meta: Mapping[str, Any], pipeline: SearchPipeline | None
    ) -> Resolved:
        try:
            return self._open(index, meta, pipeline)
        except CANNOT_BE_USED as error:
            return Unavailable(f"the generation of {index} cannot be used: {error}")

    def _open(
        self, index: str, meta: Mapping[str, Any], pipeline: SearchPipeline | None
    ) -> Snapshot:
        assert self._opener is not None  # resolve() looked
        artefacts = self._opener.promoted(meta)
        generation: str = meta["generation"]
        identity = (generation, model_name(artefacts))
        with self._lock:
            opened = self._opened.setdefault(index_of(generation), OrderedDict())
            known = _refreshed(opened.values(), generation)
            if identity not in opened or opened[identity].generation is not known:
                opened[identity] = self._opener.open(index, meta, artefacts, known)
            opened[identity] = replace(opened[identity], pipeline=pipeline)
            opened.move_to_end(identity)
            while len(opened) > KEPT:
                opened.popitem(last=False)
            return opened[identity]


def _begin_anew(found: "weakref.ref[Snapshots]") -> None:
    """In a forked child: its parent's locks may be held, its sessions have lost their threads."""
    if (snapshots := found()) is not None:
        snapshots._begin()


def _refreshed(opened: Iterable[Snapshot], name: str) -> Generation | None:
    """The generation of this name with all its segments; None where it is not open yet."""
    known = [snapshot.generation for snapshot in opened if snapshot.generation.name == name]
    latest = max(known, key=lambda generation: generation.segments, default=None)
    return None if latest is None else latest.refreshed()


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
