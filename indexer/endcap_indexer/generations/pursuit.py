"""A generation on its way to where its index is.

Documents are the truth and vectors follow them, whoever built the index. Changes are read by
sequence number, shard by shard. A batch of them is one segment; then the rows are written where
documents hold theirs, then the checkpoint. So whenever the process dies, at most one batch is read
again, and reading it again changes nothing. What is written by us comes back as a change that
changes nothing either. Where the vectors lie in the cluster they are written first: a segment says
of which text a vector is. Deletions leave no trace that can be searched: where the index holds
fewer documents than the generation has products, all ids are read to see which are gone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import CatalogueFields, DocumentReader, Product
from endcap_indexer.encoder import Encoder, open_stored
from endcap_indexer.generations.build import column_values
from endcap_indexer.generations.checkpoints import (
    Checkpoint,
    Position,
    known_until,
    read_checkpoint,
    read_positions,
    write_checkpoint,
)
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS, chunks
from endcap_indexer.generations.documents import (
    PAGE,
    Document,
    changed_documents,
    scan_ids,
    write_ours,
)
from endcap_indexer.generations.embeddings import (
    Digests,
    Embeddings,
    Halves,
    HeldVectors,
    digest_texts,
)
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.indices import PATIENCE_SECONDS
from endcap_indexer.generations.manifest import FOLDER, Manifest
from endcap_indexer.generations.progress import Progress, Silence
from endcap_indexer.generations.segments import merge_pieces
from endcap_indexer.generations.updates import update_generation

BATCH = 4096  # documents; one segment
ROUNDS = 3


class Followed(NamedTuple):
    """What a run did."""

    generation: str
    read: int  # documents that had been written since
    changed: int  # products that are new or say something else
    embedded: int  # texts encoded
    removed: int  # products that are gone
    rows: int  # documents that a row or a vector was written into
    segments: int  # that the generation has now
    seconds: float


def is_embedded(manifest: Manifest) -> bool:
    """Whether texts are embedded; else the shop brings its vectors."""
    return CatalogueFields.from_table(manifest.catalogue).vector is None


def encoder_of(store: Path, manifest: Manifest, known: Encoder | None = None) -> Encoder | None:
    """The one that a generation was embedded with; None where the shop brings its vectors. known:
    one that is open. Raises EncoderError where the store does not have it.
    """
    if not is_embedded(manifest):
        return None
    if known is not None and known.name == manifest.encoder:
        return known
    return open_stored(store, str(manifest.encoder))


class Pursuit:
    """The caller holds the lease.

    encoder: for nothing where the shop brings its vectors. elsewhere: vectors that need not be
    embedded again. resumes: whether what was embedded is kept for who goes on after an
    interruption, which a build beside this does for itself.
    """

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        index: str,
        generation: Generation,
        encoder: Encoder | None,
        progress: Progress | None = None,
        *,
        elsewhere: Sequence[Embedded] = (),
        resumes: bool = True,
    ) -> None:
        self.generation = generation
        self._client, self._index = client, index
        self._progress = progress or Silence()
        self._elsewhere, self._resumed = elsewhere, store if resumes else None
        manifest = generation.manifest
        self._encoder = encoder if is_embedded(manifest) else None
        self._in_documents = self._encoder is not None and manifest.vectors != FOLDER
        fields = CatalogueFields.from_table(manifest.catalogue)
        self._reader = DocumentReader(fields, vectors=self._in_documents or self._encoder is None)
        self.seen = set[str]()  # every product that it found written
        self._read = self._changed = self._embedded = self._removed = self._written = 0

    def is_behind(self) -> bool:
        """Whether anything was written since."""
        known = read_checkpoint(self.generation.path)
        return known != read_positions(self._client, self._index)

    def catch_up(self, *, sweep: bool = False) -> None:
        """Apply all changes, and those that this writes itself right afterwards: vectors, then
        rows. What others go on writing is for the next time.
        """
        for again in range(ROUNDS):
            written = self._written
            self._round(sweep and not again)
            if written == self._written:
                break
        merge_pieces(self.generation.path)

    def told(self, seconds: float) -> Followed:
        counts = (self._read, self._changed, self._embedded, self._removed, self._written)
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
        self.seen.update(document.id for document in documents)
        products = [self._reader.read(document.id, document.source) for document in documents]
        rows = self.generation.rows([product.id for product in products])
        same = (rows >= 0) & self._same_vectors(products, rows)
        changed = ~(same & self._same_columns(products, rows))
        if self._in_documents:
            self._write_vectors(documents, products, ~same | self._without_vector(products))
        if changed.any():
            news = [products[place] for place in np.flatnonzero(changed).tolist()]
            self.generation = update_generation(self.generation, news, *self._find(news))
            self._changed += len(news)
        self._read += len(documents)
        if self.generation.manifest.row_field is not None:
            self._write(wrong_rows(self.generation, documents))

    def _same_vectors(
        self, products: Sequence[Product], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Of the same text; of the shop's own vectors, the same or none in the document."""
        if self._encoder is not None:
            texts = [product.text for product in products]
            return np.asarray(self.generation.digests(rows) == digest_texts(texts))
        held = self.generation.index.vectors(rows)
        return np.array(
            [
                product.vector is None
                or np.array_equal(product.vector[: len(old)].astype(np.float16), old)
                for product, old in zip(products, held, strict=True)
            ],
            np.bool_,
        )

    def _same_columns(
        self, products: Sequence[Product], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        same, known = np.ones(len(products), np.bool_), rows >= 0
        names = self.generation.manifest.columns
        for name, values in zip(names, column_values(products, names).T, strict=True):
            held = self.generation.columns[name][rows[known]]
            same[known] &= (values[known] == held) | (np.isnan(values[known]) & np.isnan(held))
        return same

    def _without_vector(self, products: Sequence[Product]) -> NDArray[np.bool_]:
        lacking = (bool(product.text) and product.vector is None for product in products)
        return np.fromiter(lacking, np.bool_, len(products))

    def _write_vectors(
        self, documents: Sequence[Document], products: Sequence[Product], wanted: NDArray[np.bool_]
    ) -> None:
        places = np.flatnonzero(wanted).tolist()
        if places:
            _, vectors = self._embed([products[place] for place in places])
            held = [{"vector": as_json(vector)} for vector in vectors]
            self._write(zip((documents[place] for place in places), held, strict=True))
            # whoever sees the segment reads these vectors
            self._client.indices.refresh(index=self._index, request_timeout=PATIENCE_SECONDS)

    def _find(self, products: Sequence[Product]) -> tuple[Digests, Halves]:
        """What a segment holds: no numbers where they lie in the documents."""
        if self._encoder is None:
            return HeldVectors(self.generation).find(products)
        if not self._in_documents:
            return self._embed(products)
        nothing = np.full((len(products), self._encoder.dimension), np.nan, np.float16)
        return digest_texts([product.text for product in products]), nothing

    def _embed(self, products: Sequence[Product]) -> tuple[Digests, Halves]:
        assert self._encoder is not None  # else the shop brings its vectors
        found = []
        with Embeddings(
            self._resumed, self._encoder, self.generation, self._elsewhere
        ) as embeddings:
            for chunk in chunks(products, CHUNK_PRODUCTS):
                found.append(embeddings.find(chunk))
        embeddings.discard()
        self._embedded += embeddings.embedded
        digests, vectors = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return digests, vectors

    def _write(self, facts: Iterable[tuple[Document, Mapping[str, Any]]]) -> None:
        self._written += write_ours(self._client, self._index, facts)

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


def as_json(vector: NDArray[np.float16]) -> list[float] | None:
    """A vector as a document holds it; None for one of nan."""
    return None if np.isnan(vector[0]) else vector.tolist()


def wrong_rows(
    generation: Generation, documents: Sequence[Document]
) -> list[tuple[Document, Mapping[str, Any]]]:
    """The documents that do not hold the row of their product, and what they should hold."""
    rows = generation.rows([document.id for document in documents]).tolist()
    pairs = zip(documents, rows, strict=True)
    return [(document, {"row": row}) for document, row in pairs if row >= 0 and document.row != row]
