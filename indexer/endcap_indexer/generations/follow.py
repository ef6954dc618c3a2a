"""Keeps the vectors of an attached index up to date with whatever the shop's own programs write.

Changes are read by sequence number, shard by shard. A batch of them is one segment; then the rows
are written where documents hold theirs, then the checkpoint. So whenever the process dies, at most
one batch is read again, and reading it again changes nothing. What is written by us comes back as a
change that changes nothing either. Deletions leave no trace that can be searched: where the index
holds fewer documents than the generation has products, all ids are read to see which are gone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import CatalogueFields, DocumentReader, Product
from endcap_indexer.encoder import Encoder
from endcap_indexer.generations.build import column_values
from endcap_indexer.generations.checkpoints import (
    Checkpoint,
    Position,
    known_until,
    read_checkpoint,
    read_positions,
    write_checkpoint,
)
from endcap_indexer.generations.chunks import chunks
from endcap_indexer.generations.documents import (
    PAGE,
    Document,
    changed_documents,
    scan_ids,
    write_rows,
)
from endcap_indexer.generations.embeddings import Embeddings, digest_texts
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import PATIENCE_SECONDS, attached_index
from endcap_indexer.generations.lease import hold_lease
from endcap_indexer.generations.manifest import generation_folder
from endcap_indexer.generations.progress import Progress, Silence
from endcap_indexer.generations.updates import update_generation

BATCH = 4096  # documents; one segment
CHUNK_PRODUCTS = 256


class Followed(NamedTuple):
    """What a run did."""

    generation: str
    read: int  # documents that had been written since
    changed: int  # products that are new or say something else
    embedded: int  # texts encoded
    removed: int  # products that are gone
    rows: int  # written into documents
    segments: int  # that the generation has now
    seconds: float


class Follower:
    """Follows one attached index; `name` may be its alias.

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
        self._open_encoder = open_encoder
        self._progress = progress or Silence()
        self._generation: Generation | None = None

    def run(self, *, sweep: bool = False) -> Followed:
        """Apply what changed since the last time. Raises LeaseError while another process writes,
        GenerationError for an index that is not attached.

        Where nothing changed the lease is not taken, so that who looks often is in nobody's way.
        """
        started = time.monotonic()
        pursuit = self._begin()
        if sweep or pursuit.is_behind():
            with hold_lease(self._store):
                pursuit = self._begin()  # another process may have been faster
                pursuit.catch_up(sweep=sweep)
                self._generation = pursuit.generation
        return pursuit.told(time.monotonic() - started)

    def _begin(self) -> "Pursuit":
        index, meta = attached_index(self._client, self._name)
        known = self._generation
        if known is not None and known.name == meta["generation"]:
            self._generation = known.refreshed()
        else:
            self._generation = Generation.open(generation_folder(self._store, meta["generation"]))
        encoder = self._open_encoder(str(self._generation.manifest.encoder))
        return Pursuit(self._client, self._store, index, self._generation, encoder, self._progress)


class Pursuit:
    """A generation on its way to where its index is. The caller holds the lease."""

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        index: str,
        generation: Generation,
        encoder: Encoder,
        progress: Progress,
    ) -> None:
        self.generation = generation
        self._client, self._store, self._index = client, store, index
        self._encoder, self._progress = encoder, progress
        self._reader = DocumentReader(CatalogueFields.from_table(generation.manifest.catalogue))
        self._read = self._changed = self._embedded = self._removed = self._rows = 0

    def is_behind(self) -> bool:
        """Whether anything was written since."""
        known = read_checkpoint(self.generation.path)
        return known != read_positions(self._client, self._index)

    def catch_up(self, *, sweep: bool = False) -> None:
        """Apply all changes; those that this writes itself are read right afterwards."""
        self._round(sweep)
        if self._rows:
            self._round(sweep=False)

    def told(self, seconds: float) -> Followed:
        counts = (self._read, self._changed, self._embedded, self._removed, self._rows)
        return Followed(self.generation.name, *counts, self.generation.segments, seconds)

    def _round(self, sweep: bool) -> None:
        """What was written until now; what is written meanwhile is for the next round."""
        known = read_checkpoint(self.generation.path)
        now = read_positions(self._client, self._index)
        if known == now and not sweep:
            return
        self._client.indices.refresh(index=self._index, request_timeout=PATIENCE_SECONDS)
        total = sum(now[shard].seq_no - known_until(known, shard, now[shard]) for shard in now)
        self._progress.advance("changes", 0, total)
        for documents, reached in self._batches(known, now):
            self._apply(documents)
            write_checkpoint(self.generation.path, reached)
            left = sum(now[shard].seq_no - known_until(reached, shard, now[shard]) for shard in now)
            self._progress.advance("changes", total - left, total)
        if sweep or self._client.count(index=self._index)["count"] < self.generation.products:
            self._sweep()

    def _batches(
        self, known: Checkpoint, now: Checkpoint
    ) -> Iterator[tuple[list[Document], Checkpoint]]:
        """Changed documents, and how far all shards are known once these are applied."""
        reached = dict(known)
        batch: list[Document] = []
        for shard, end in now.items():
            after = known_until(known, shard, end)
            for page in changed_documents(
                self._client, self._index, shard, after, end.seq_no, self._reader.paths
            ):
                batch += page
                reached[shard] = Position(end.history, page[-1].seq_no)
                if len(batch) >= BATCH:
                    yield batch, dict(reached)
                    batch = []
            reached[shard] = end
        yield batch, reached

    def _apply(self, documents: Sequence[Document]) -> None:
        products = [self._reader.read(document.id, document.source) for document in documents]
        digests = digest_texts([product.text for product in products])
        changed = np.flatnonzero(~self._as_known(products, digests)).tolist()
        if changed:
            self._update([products[place] for place in changed])
        self._read += len(documents)
        if self.generation.manifest.row_field is not None:
            wrong = wrong_rows(self.generation, documents)
            self._rows += write_rows(self._client, self._index, wrong)

    def _as_known(
        self, products: Sequence[Product], digests: NDArray[np.bytes_]
    ) -> NDArray[np.bool_]:
        """Which products the generation holds with this text and these columns."""
        rows = self.generation.rows([product.id for product in products])
        known = rows >= 0
        same = known & (self.generation.digests(rows) == digests)
        names = self.generation.manifest.columns
        for name, values in zip(names, column_values(products, names).T, strict=True):
            held = self.generation.columns[name][rows[known]]
            same[known] &= (values[known] == held) | (np.isnan(values[known]) & np.isnan(held))
        return np.asarray(same)

    def _update(self, products: Sequence[Product]) -> None:
        """Embed what is not known yet, and append one segment."""
        found = []
        with Embeddings(self._store, self._encoder, self.generation) as embeddings:
            for start in range(0, len(products), CHUNK_PRODUCTS):
                found.append(embeddings.find(products[start : start + CHUNK_PRODUCTS]))
            digests, vectors = (np.concatenate(parts) for parts in zip(*found, strict=True))
            self.generation = update_generation(self.generation, products, digests, vectors)
        embeddings.discard()
        self._changed += len(products)
        self._embedded += embeddings.embedded

    def _sweep(self) -> None:
        """Take out the products whose documents are gone."""
        generation = self.generation
        there = np.zeros(len(generation), np.bool_)
        for ids in chunks(scan_ids(self._client, self._index), PAGE):
            rows = generation.rows(ids)
            there[rows[rows >= 0]] = True
        rows = generation.present_rows()
        gone = generation.ids(rows[~there[rows]])
        nothing = np.empty((0, generation.manifest.dimension), np.float16)
        self.generation = update_generation(generation, [], digest_texts([]), nothing, gone)
        self._removed += len(gone)


def wrong_rows(generation: Generation, documents: Sequence[Document]) -> list[tuple[Document, int]]:
    """The documents that do not hold the row of their product, and that row."""
    rows = generation.rows([document.id for document in documents]).tolist()
    pairs = zip(documents, rows, strict=True)
    return [(document, row) for document, row in pairs if row >= 0 and document.row != row]
