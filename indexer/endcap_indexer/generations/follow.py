"""Keeps the vectors of an index up to date with whatever anybody writes to it."""

import time
from collections.abc import Callable
from pathlib import Path

from opensearchpy import OpenSearch

from endcap_indexer.encoder import Encoder
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.handover import finish_handover, is_unfinished
from endcap_indexer.generations.indices import followed_index
from endcap_indexer.generations.lease import hold_lease
from endcap_indexer.generations.manifest import generation_folder
from endcap_indexer.generations.progress import Progress
from endcap_indexer.generations.pursuit import Followed, Pursuit, is_embedded


class Follower:
    """Follows one index, built or attached; `name` may be its alias.

    open_encoder: by the name that the generation was embedded with.
    """

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        name: str,
        open_encoder: Callable[[str], Encoder],
        progress: Progress | None = None,
    ) -> None:
        self._client, self._store, self._name = client, store, name
        self._open_encoder, self._progress = open_encoder, progress
        self._generation: Generation | None = None

    def run(self, *, sweep: bool = False) -> Followed:
        """Apply what changed since the last time. Raises LeaseError while another process writes,
        GenerationError for an index that is neither built nor attached.

        Where nothing changed the lease is not taken, so that who looks often is in nobody's way.
        """
        started = time.monotonic()
        pursuit = self._begin()
        if sweep or is_unfinished(pursuit.generation.path) or pursuit.is_behind():
            with hold_lease(self._store):
                pursuit = self._begin()  # another process may have been faster
                finish_handover(self._client, self._store, pursuit.generation)
                pursuit.catch_up(sweep=sweep)
                self._generation = pursuit.generation
        return pursuit.told(time.monotonic() - started)

    def _begin(self) -> Pursuit:
        index, meta = followed_index(self._client, self._name)
        known = self._generation
        if known is not None and known.name == meta["generation"]:
            generation = known.refreshed()
        else:
            generation = Generation.open(generation_folder(self._store, meta["generation"]))
        self._generation = generation
        encoder = self._open_encoder(meta["encoder"]) if is_embedded(generation.manifest) else None
        return Pursuit(self._client, self._store, index, generation, encoder, self._progress)
