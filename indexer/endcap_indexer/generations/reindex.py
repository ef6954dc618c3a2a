"""The whole build, from a catalogue's rows to the swap of the alias."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from opensearchpy import OpenSearch

from endcap_indexer.catalogue import (
    BadRow,
    BadRows,
    CatalogueFields,
    OnBadRow,
    Product,
    RowSource,
    as_document,
    read_products,
)
from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import FieldsError, GateError, GenerationError, VectorsError
from endcap_indexer.generations.beside import embedded_alike, followed_beside, pursue
from endcap_indexer.generations.build import GenerationWriter
from endcap_indexer.generations.bulks import index_documents
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS, chunks
from endcap_indexer.generations.embeddings import Embeddings, ShopVectors
from endcap_indexer.generations.gates import Gates, check_gates
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.golive import Since, go_live, lived, state_of
from endcap_indexer.generations.indices import (
    IndexSettings,
    create_index,
    finish_index,
    live_index,
)
from endcap_indexer.generations.lease import WAIT_SECONDS, hold_lease
from endcap_indexer.generations.manifest import (
    FORMAT,
    OPENSEARCH,
    Manifest,
    generation_folder,
    name_generation,
    number_of,
)
from endcap_indexer.generations.progress import Progress, Silence
from endcap_indexer.generations.readback import read_back
from endcap_indexer.generations.removal import (
    next_number,
    remove_generation,
    remove_leftovers,
    remove_old,
)

DEFAULT_SETTINGS = IndexSettings()
DEFAULT_GATES = Gates()

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Catalogue:
    """Rows of products and which field is what; `on_bad_row` counts, or raises to be strict."""

    source: RowSource
    fields: CatalogueFields
    on_bad_row: OnBadRow = field(default_factory=BadRows)

    def tell_bad_rows(self) -> None:
        """Read every product for the bad rows alone: they are named, or the first one raises."""
        for _ in read_products(self.source, self.fields, on_bad_row=self.on_bad_row):
            pass

    def digest(self, encoder: str | None, settings: IndexSettings) -> str:
        """Of all that decides what a generation holds (32 hexadecimal digits)."""
        roles, kept = self.fields.to_table(), settings.to_table()
        facts = [self.source.digest(), roles, encoder, kept, FORMAT]
        return blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


class Reindexed(NamedTuple):
    """What a run did; for an unchanged catalogue, the counts are those of the live generation."""

    generation: str
    products: int
    embedded: int  # texts encoded in this run
    reused: int  # products whose vector was there already
    bad_rows: int
    unchanged: bool
    seconds: float
    held: tuple[str, ...] = ()  # older generations that readers still hold
    carried: int = 0  # writes to the live index while this one was built


def reindex(
    client: OpenSearch,
    store: Path,
    index: str,
    catalogue: Catalogue,
    encoder: Encoder | None,
    settings: IndexSettings = DEFAULT_SETTINGS,
    *,
    gates: Gates = DEFAULT_GATES,
    progress: Progress | None = None,
    prepare: Callable[[Generation], None] | None = None,
    force: bool = False,
) -> Reindexed:
    """Build the next generation and swap the alias `index` to it, in one request.

    Whatever goes wrong, and whenever the process dies, shoppers see the old generation or the new
    one, whole, and the same call resumes. Where the shop brings its vectors the encoder is for
    queries only, and may be None. prepare: told the finished generation before anybody sees it. An
    unchanged catalogue is not built again unless forced; its bad rows are told again. Raises
    GateError where the new generation is not fit to be searched.
    """
    started = time.monotonic()
    progress = progress or Silence()
    with hold_lease(store, WAIT_SECONDS):
        live = live_index(client, index)
        generation = open_live(store, index, live)
        digest = catalogue.digest(encoder.name if encoder else None, settings)
        if generation and generation.manifest.digest == digest and not force:
            if generation.manifest.bad_rows:
                catalogue.tell_bad_rows()
            return _unchanged(generation, time.monotonic() - started)
        remove_leftovers(client, store, index)
        name = name_generation(index, next_number(client, store, index))
        pursuit = pursue(client, store, generation, encoder)
        generation = pursuit.generation if pursuit else generation
        since = state_of(client, live) if live and number_of(index, live) else None
        with (
            read_back(client, generation, _reused(catalogue, encoder), progress) as known,
            _vectors(store, catalogue, encoder, generation, known) as vectors,
        ):
            with followed_beside(pursuit):
                build = _Build(client, store, catalogue, settings, vectors, progress, since)
                manifest = build.run(name, digest, encoder, live)
                with _unless_refused(client, store, name):
                    opened = Generation.open(generation_folder(store, name))
                    asked, fields = build.mapping, catalogue.fields
                    check_gates(client, opened, fields, asked, live, gates, vectors=build.vectors)
                if prepare is not None:
                    prepare(opened)
            alike = embedded_alike(pursuit, manifest)
            carried = go_live(
                client, store, index, live, opened, encoder, since, alike, beside=pursuit
            )
        kept = (live, name, *lived(store, index)[-settings.keep :])
        held = remove_old(client, store, index, keep=kept)
        vectors.discard()
    seconds = time.monotonic() - started
    counts = (manifest.products, vectors.embedded, vectors.reused, manifest.bad_rows)
    return Reindexed(name, *counts, False, seconds, tuple(held), carried)


@contextmanager
def _unless_refused(client: OpenSearch, store: Path, name: str) -> Iterator[None]:
    """What does not pass the gates is removed; what was embedded for it is kept."""
    try:
        yield
    except GateError:
        remove_generation(client, store, name)
        raise


class _Build:
    """Everything before the commit: a searchable index and a finished folder, both unnamed."""

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        catalogue: Catalogue,
        settings: IndexSettings,
        vectors: Embeddings | ShopVectors,
        progress: Progress,
        since: Since | None,
    ) -> None:
        self._client, self._store, self._catalogue = client, store, catalogue
        self._settings, self._vectors, self._progress = settings, vectors, progress
        self._since = since
        self._bad_rows = 0
        self.mapping: Mapping[str, Any] = {}
        self.vectors: int | None = None  # sent to the engine

    def run(self, name: str, digest: str, encoder: Encoder | None, before: str | None) -> Manifest:
        fields = self._catalogue.fields
        total = self._catalogue.source.count()
        products = read_products(self._catalogue.source, fields, on_bad_row=self._count)
        if self._since is not None:
            products = self._since.watch(self._client, products)
        first = next(products)
        manifest = Manifest(
            generation=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            digest=digest,
            encoder=encoder.name if encoder else None,
            dimension=_dimension(first, encoder),
            text_fields=fields.query_fields,
            columns=fields.columns,
            catalogue=fields.to_table(),
            vectors=self._settings.vectors,
            before=before,
        )
        self.mapping = create_index(self._client, fields, manifest, self._settings)
        with GenerationWriter(generation_folder(self._store, name), manifest) as writer:
            actions = self._actions(writer, chain([first], products), total)
            index_documents(self._client, name, actions)
            self._finish(writer, name)
            self.vectors = writer.vectors if manifest.vectors == OPENSEARCH else None
            return writer.commit(bad_rows=self._bad_rows)

    def _actions(
        self, writer: GenerationWriter, products: Iterator[Product], total: int
    ) -> Iterator[dict[str, Any]]:
        """Append chunk after chunk to the folder, and pass its documents on to the engine."""
        for chunk in chunks(products, CHUNK_PRODUCTS):
            digests, vectors = self._vectors.find(chunk)
            first = writer.append(chunk, digests, vectors)
            for row, (product, vector) in enumerate(zip(chunk, vectors, strict=True), start=first):
                held = vector if self._settings.vectors == OPENSEARCH else None
                yield {"_id": product.id, "_source": as_document(product, row, held)}
            # a row whose value was left out counts twice: as a product and as a bad row
            done = min(writer.products + self._bad_rows, total)
            self._progress.advance("products", done, total)

    def _finish(self, writer: GenerationWriter, name: str) -> None:
        """Both indexes side by side: FAISS builds outside of the interpreter's lock."""
        self._progress.advance("indexes", 0, 2)
        with ThreadPoolExecutor(1, "vector-index") as pool:
            rows = pool.submit(writer.finish_rows)
            finish_index(self._client, name, writer.products, self._settings.replicas)
            self._progress.advance("indexes", 1, 2)
            rows.result()
        self._progress.advance("indexes", 2, 2)

    def _count(self, bad: BadRow) -> None:
        self._bad_rows += 1
        self._catalogue.on_bad_row(bad)


def _reused(catalogue: Catalogue, encoder: Encoder | None) -> str | None:
    """The encoder whose vectors may be used again; None where the shop brings all of them."""
    return encoder.name if encoder and catalogue.fields.vector is None else None


def _vectors(
    store: Path,
    catalogue: Catalogue,
    encoder: Encoder | None,
    live: Generation | None,
    known: Sequence[Embedded],
) -> Embeddings | ShopVectors:
    if catalogue.fields.vector is not None:
        return ShopVectors()
    if encoder is None:
        raise FieldsError(
            "catalogue.vector names no field with the shop's own vectors, so texts must be"
            " embedded: give an encoder"
        )
    return Embeddings(store, encoder, live, known)


def _dimension(first: Product, encoder: Encoder | None) -> int:
    if first.vector is None:
        return encoder.dimension if encoder else 0
    if encoder is not None and encoder.dimension != len(first.vector):
        raise VectorsError(
            f"the products' vectors have {len(first.vector)} numbers, {encoder.name} makes"
            f" {encoder.dimension} of a query: give the encoder that made them"
        )
    return len(first.vector)


def open_live(store: Path, index: str, live: str | None) -> Generation | None:
    """The live generation, whose vectors are reused; None where there is none to use."""
    if live is None or number_of(index, live) is None:
        return None
    try:
        return Generation.open(generation_folder(store, live))
    except (GenerationError, VectorsError) as error:
        logger.warning("everything is embedded again: %s", str(error))
        return None


def _unchanged(generation: Generation, seconds: float) -> Reindexed:
    manifest = generation.manifest
    counts = (manifest.products, 0, manifest.products, manifest.bad_rows)
    return Reindexed(manifest.generation, *counts, True, seconds)
