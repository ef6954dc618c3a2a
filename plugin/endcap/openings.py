"""The open snapshots of every index: what the engine says is live, opened once and kept while it is
used.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from opensearchpy import OpenSearch

from endcap.breakers import Breakers
from endcap.cursors import Cursor
from endcap.opening import CANNOT_BE_USED, Opener, Snapshot
from endcap.registry import model_name
from endcap.search_pipelines import SearchPipeline
from endcap_indexer.encoder import Encoder
from endcap_indexer.generations import Generation, index_of

KEPT = 3  # open snapshots of one index: the live one and what cursors may still name
Identity: TypeAlias = tuple[str, str | None]
Artefacts: TypeAlias = Mapping[str, str]

logger = logging.getLogger("endcap")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The index is searched as plain opensearch-py would, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """What a name stands for. meta: `_meta.endcap` of the index. pipeline: its default one."""

    index: str
    meta: Mapping[str, Any]
    pipeline: SearchPipeline | None

    def is_of(self, generation: Generation) -> bool:
        """Another build may have the same name, in a store or an index that was made anew."""
        name, created = self.meta["generation"], self.meta["created"]
        return (generation.name, generation.manifest.created) == (name, created)


class Openings:
    """Opens what is not open yet, one thread at a time for each index. Thread-safe."""

    def __init__(self, opener: Opener, breakers: Breakers) -> None:
        self._opener = opener
        self._breakers = breakers
        self._opened: dict[str, OrderedDict[Identity, Snapshot]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def resolve(self, live: LiveIndex, client: OpenSearch) -> Snapshot | Unavailable:
        """The snapshot of a live index with all that was appended to it, opened and warmed. The
        client is a plain one.
        """
        index = index_of(live.meta["generation"])
        breaker = self._breakers.of(live.index, f"the generation of {live.index}")
        with self._lock:
            lock = self._locks.setdefault(index, threading.Lock())
            opened = self._opened.setdefault(index, OrderedDict())
        with lock:
            if not any(live.is_of(each.generation) for each in opened.values()):
                if not breaker.admits():
                    return Unavailable(breaker.reason)
            try:
                snapshot = self._open(live, opened, client)
            except Exception as error:  # noqa: BLE001 - whatever it is, the engine's order is left
                breaker.failed(str(error))
                if not isinstance(error, CANNOT_BE_USED):
                    logger.warning("%s cannot be opened", live.index, exc_info=error)
                return Unavailable(f"the generation of {live.index} cannot be used: {error}")
            breaker.succeeded()
            return snapshot

    def encoder(self, name: str) -> Encoder:
        """Raises EncoderError where the store does not have it."""
        return self._opener.encoder(name)

    def opened(self, generation: str, model: str | None) -> Snapshot | None:
        """The snapshot of this identity, if it is still open."""
        return self._opened.get(index_of(generation), OrderedDict()).get((generation, model))

    def forget(self, cursor: Cursor | None, live: Snapshot | None) -> None:
        """Close what a cursor pins and what was live: their index is gone."""
        for opened in list(self._opened.values()):
            if cursor is not None:
                opened.pop((cursor.generation, cursor.model), None)
            if live is not None:
                opened.pop(live.identity, None)

    def _open(
        self, live: LiveIndex, opened: OrderedDict[Identity, Snapshot], client: OpenSearch
    ) -> Snapshot:
        left_out: list[str] = []
        artefacts = self._promoted(live, left_out)
        identity = (live.meta["generation"], model_name(artefacts))
        known = _latest(live, opened.values(), left_out)
        before = opened.get(identity)
        if before is None or before.generation is not known or self._is_to_be_mended(before):
            before = self._opener.open(live.index, live.meta, artefacts, known, client)
        snapshot = replace(before, pipeline=live.pipeline, behind=tuple(left_out))
        opened[identity] = snapshot
        opened.move_to_end(identity)
        while len(opened) > KEPT:
            opened.popitem(last=False)
        return snapshot

    def _promoted(self, live: LiveIndex, left_out: list[str]) -> Artefacts:
        try:
            return self._opener.promoted(live.meta)
        except CANNOT_BE_USED as error:
            left_out.append(f"what was promoted is left out: {error}")
            return {}

    def _is_to_be_mended(self, snapshot: Snapshot) -> bool:
        """Whether to open again what could not be used as a whole: not at every look."""
        breaker = self._breakers.of(snapshot.index, f"a part of {snapshot.index}")
        if not snapshot.left_out:
            breaker.succeeded()
            return False
        if not breaker.admits():
            return False
        breaker.failed("; ".join(snapshot.left_out))
        return True


def _latest(live: LiveIndex, opened: Iterable[Snapshot], left_out: list[str]) -> Generation | None:
    """The live generation with all its segments; None where it is not open yet. One whose segments
    cannot be read stays as it was: a moment behind.
    """
    known = [each.generation for each in opened if live.is_of(each.generation)]
    latest = max(known, key=lambda generation: generation.segments, default=None)
    if latest is None:
        return None
    try:
        return latest.refreshed()
    except CANNOT_BE_USED as error:
        left_out.append(f"what changed last is left out: {error}")
        return latest
