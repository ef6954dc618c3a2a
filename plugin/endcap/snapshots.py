"""Which generation and which artefacts a search uses: resolved by the index's own `_meta`, opened
once, pinned.

The engine says what is live: the alias names the index, the index names its folder. A name is
resolved again in the background when its last resolution is older than the poll interval, and a new
generation is opened and warmed before it takes the old one's place, so no request pays for it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from endcap.conditions import Query
from endcap.registry import COOCCURRENCE, TUNING, Registry
from endcap.steps import Background, Call, Computation, Steps
from endcap.tuning import Tuning
from endcap_indexer.encoder import QueryCache, open_stored
from endcap_indexer.exceptions import IndexerError
from endcap_indexer.generations import Generation
from endcap_reranker import (
    Cooccurrence,
    CooccurrenceColumn,
    HistoryColumn,
    PopularityColumn,
    Scorer,
)

KEPT = 3  # open snapshots by index: the live one and what cursors may still name
WARM_UP = "warm up"


@dataclass(frozen=True)
class Snapshot:
    """Everything one search pins: a generation, the artefacts and the encoder that belong to it.

    `index`: the concrete index. `queries`: None where nobody can encode a query. `text_fields`:
    with their boosts, as a multi_match query names them. `scorers`: the columns that need more than
    the candidates' scores and vectors.
    """

    index: str
    generation: Generation
    queries: QueryCache | None
    text_fields: tuple[str, ...]
    tuning: Tuning
    scorers: tuple[Scorer, ...]
    artefacts: Mapping[str, str]

    @property
    def companions(self) -> CooccurrenceColumn | None:
        """What is chosen together, where events were counted."""
        return next((s for s in self.scorers if isinstance(s, CooccurrenceColumn)), None)

    @property
    def model(self) -> str | None:
        """The names of the promoted artefacts; None where there are none."""
        return "+".join(self.artefacts[kind] for kind in sorted(self.artefacts)) or None

    def text_query(self, text: str) -> Query:
        """The words of a text, looked for in all text fields as if they were one."""
        fields = list(self.text_fields)
        return {"multi_match": {"query": text, "type": "cross_fields", "fields": fields}}

    @property
    def identity(self) -> tuple[str, str | None]:
        return (self.generation.name, self.model)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The index is searched as plain opensearch-py would, for this reason."""

    reason: str


Resolved = Snapshot | Unavailable


@dataclass(slots=True)
class _Entry:
    resolved: Resolved
    checked: float


class Snapshots:
    """The open snapshots of one client. Thread-safe."""

    def __init__(self, store: Path | None, *, poll_interval_s: float, cached_queries: int) -> None:
        self._store = store
        self._poll_interval_s = poll_interval_s
        self._cached_queries = cached_queries
        self._live: dict[str, _Entry] = {}
        self._opened: OrderedDict[tuple[str, str | None], Snapshot] = OrderedDict()
        self._queries: dict[str, QueryCache] = {}
        self._lock = threading.Lock()

    def resolve(self, index: Any) -> Steps[Resolved]:
        """The live snapshot of an index or alias; later than the poll interval it is looked at
        again behind.
        """
        if self._store is None:
            return Unavailable(
                "no store: pass store=, set ENDCAP_STORE or write store in endcap.toml"
            )
        name = _single_name(index)
        if name is None:
            return Unavailable("several indices are passed through")
        entry = self._live.get(name)
        if entry is None:
            return (yield from self._look(name))
        if time.monotonic() - entry.checked > self._poll_interval_s:
            entry.checked = time.monotonic()
            yield Background(self._look(name))
        return entry.resolved

    def renew(self, index: Any) -> Steps[Resolved]:
        """Look again now: what was pinned is gone, or somebody knows that it changed."""
        if (name := _single_name(index)) is not None:
            self._live.pop(name, None)
        return (yield from self.resolve(index))

    def pinned(self, generation: str, model: str | None) -> Snapshot | None:
        """The snapshot that a cursor names, if it is still open."""
        return self._opened.get((generation, model))

    def _look(self, name: str) -> Steps[Resolved]:
        mappings = yield Call("indices.get_mapping", {"index": name})
        resolved: Resolved
        if len(mappings) != 1:
            resolved = Unavailable(f"{name} names {len(mappings)} indices: passed through")
        else:
            ((index, body),) = mappings.items()
            meta = body["mappings"].get("_meta", {}).get("endcap")
            resolved = yield Computation(lambda: self._open(index, meta))
        self._live[name] = _Entry(resolved, time.monotonic())
        return resolved

    def _open(self, index: str, meta: Mapping[str, Any] | None) -> Resolved:
        if meta is None:
            return Unavailable(f"{index} was not built by endcap reindex")
        assert self._store is not None  # resolve() looked
        try:
            return self._open_snapshot(self._store, index, meta)
        except (IndexerError, OSError) as error:
            return Unavailable(f"the generation of {index} cannot be used: {error}")

    def _open_snapshot(self, store: Path, index: str, meta: Mapping[str, Any]) -> Snapshot:
        generation_name = meta["generation"]
        registry = Registry(store, generation_name.rpartition("-")[0])
        artefacts = registry.promoted()
        identity = (generation_name, "+".join(artefacts[k] for k in sorted(artefacts)) or None)
        with self._lock:
            if (known := self._opened.get(identity)) is not None:
                return known
            snapshot = self._build(store, index, meta, registry, artefacts)
            self._opened[identity] = snapshot
            while len(self._opened) > KEPT:
                self._opened.popitem(last=False)
            return snapshot

    def _build(
        self,
        store: Path,
        index: str,
        meta: Mapping[str, Any],
        registry: Registry,
        artefacts: Mapping[str, str],
    ) -> Snapshot:
        generation = self._generation(store, meta["generation"])
        queries = self._query_cache(store, meta["encoder"])
        if queries is not None:
            generation.index.search(queries.encode_query(WARM_UP), 10)
        name = artefacts.get(COOCCURRENCE)
        scorers = _scorers(generation, registry.cooccurrence(name) if name is not None else None)
        tuned = artefacts.get(TUNING)
        tuning = registry.tuning(tuned) if tuned is not None else Tuning()
        tuned_fields = [f"{name}^{boost:g}" for name, boost in tuning.boosts.items()]
        fields = tuple(tuned_fields or meta["text_fields"])
        return Snapshot(index, generation, queries, fields, tuning, scorers, artefacts)

    def _generation(self, store: Path, name: str) -> Generation:
        """A new model for a generation that is open already opens no folder again."""
        for snapshot in self._opened.values():
            if snapshot.generation.name == name:
                return snapshot.generation
        return Generation.open(store / "generations" / name)

    def _query_cache(self, store: Path, encoder: str | None) -> QueryCache | None:
        if encoder is None:
            return None
        if encoder not in self._queries:
            self._queries[encoder] = QueryCache(
                open_stored(store, encoder, threads=1), self._cached_queries
            )
        return self._queries[encoder]


def _scorers(generation: Generation, counted: Cooccurrence | None) -> tuple[Scorer, ...]:
    """Popularity is counted from the events where there are some, else the shop's own column."""
    if counted is None:
        popularity = generation.columns.get("popularity")
        return (HistoryColumn(), *(() if popularity is None else (PopularityColumn(popularity),)))
    codes = counted.codes(generation.ids(np.arange(len(generation))))
    counts = np.where(codes >= 0, counted.popularity[codes], np.float32(np.nan))
    return (
        HistoryColumn(),
        CooccurrenceColumn(counted, codes),
        PopularityColumn(counts.astype(np.float32)),
    )


def _single_name(index: Any) -> str | None:
    """One name without wildcards, or None."""
    if isinstance(index, (list, tuple)) and len(index) == 1:
        index = index[0]
    if (
        not isinstance(index, str)
        or not index
        or any(sign in index for sign in "*?,<")
        or index == "_all"
    ):
        return None
    return index
