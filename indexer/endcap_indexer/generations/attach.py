"""A generation of an index that the shop fills itself: its documents are read and embedded, and the
mapping's `_meta.endcap` names the folder. That is all that is written, unless rows may be, too.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import ROW_FIELD, CatalogueFields, DocumentReader, Product
from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import GenerationError, VectorsError
from endcap_indexer.files import BUILDING, MANIFEST, remove_folder
from endcap_indexer.generations.build import GenerationWriter
from endcap_indexer.generations.checkpoints import read_positions, write_checkpoint
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS, chunks
from endcap_indexer.generations.documents import find_documents, scan_documents, write_ours
from endcap_indexer.generations.embeddings import Embeddings, digest_texts
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import (
    PATIENCE_SECONDS,
    built_by_reindex,
    named_generation,
    single_index,
)
from endcap_indexer.generations.lease import WAIT_SECONDS, hold_lease
from endcap_indexer.generations.manifest import (
    FORMAT,
    Manifest,
    generation_folder,
    generations_folder,
    name_generation,
    number_of,
)
from endcap_indexer.generations.progress import Progress, Silence
from endcap_indexer.generations.pursuit import Pursuit, wrong_rows
from endcap_indexer.generations.removal import list_folders
from endcap_indexer.generations.updates import update_generation
from endcap_indexer.holds import unheld


class Attached(NamedTuple):
    """What a run did."""

    generation: str
    target: str  # the concrete index
    products: int
    embedded: int  # texts encoded in this run
    reused: int  # products whose vector was there already
    rows: int  # written into documents
    row_field: str | None
    left_out: Mapping[str, int]  # values that are no numbers, by field
    seconds: float


def attach(
    client: OpenSearch,
    store: Path,
    name: str,
    fields: CatalogueFields,
    encoder: Encoder,
    *,
    rows: bool | None = None,
    progress: Progress | None = None,
) -> Attached:
    """Build the next generation of an index, or of the one index that an alias names.

    rows: whether documents may be given `endcap.row`; None: as it was, at first not. Whenever the
    process dies, searches go on with what they had, and the same call embeds only what is missing.
    What is written meanwhile is not lost: the checkpoint is older than the scan.
    """
    started = time.monotonic()
    with hold_lease(store, WAIT_SECONDS):
        index, body = single_index(client, name)
        meta = named_generation(body) or {}
        if meta.get("generation") == index:
            raise GenerationError(built_by_reindex(index))
        row_field = ROW_FIELD if rows or (rows is None and meta.get("row_field")) else None
        _check(index, body["mappings"], row_field)
        building = _Attachment(client, store, index, fields, encoder, progress or Silence())
        return building.run(body, row_field, started)


def _check(index: str, mappings: Mapping[str, Any], row_field: str | None) -> None:
    """GenerationError for an index whose documents cannot be read, or not be given a row."""
    source = mappings.get("_source", {})
    if source.get("enabled") is False:
        raise GenerationError(
            f"{index} keeps no _source, so there is nothing to embed: fill an index that keeps it,"
            " or build one from a file by endcap reindex"
        )
    if row_field is None:
        return
    if source.get("excludes") or source.get("includes"):
        raise GenerationError(
            f"{index} keeps a part of _source only, and writing a row would lose the rest of a"
            " document: attach it without --row-field"
        )
    ours = mappings.get("properties", {}).get("endcap", {})
    type = ours.get("properties", {}).get("row", {}).get("type", "integer")
    if "type" in ours or type != "integer":
        raise GenerationError(
            f"{index} has a field {ROW_FIELD.partition('.')[0] if 'type' in ours else ROW_FIELD} of"
            " its own: attach it without --row-field"
        )


class _Attachment:
    """One build, up to `_meta.endcap`, which is the commit. The caller holds the lease."""

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        index: str,
        fields: CatalogueFields,
        encoder: Encoder,
        progress: Progress,
    ) -> None:
        self._client, self._store, self._index = client, store, index
        self._fields, self._encoder, self._progress = fields, encoder, progress
        self._reader = DocumentReader(fields)
        self._gone: list[str] = []
        folders = list_folders(store, index)
        self._number = max((number_of(index, each.name) or 0 for each in folders), default=0) + 1
        self._previous = _open_last(folders)

    def run(self, body: Mapping[str, Any], row_field: str | None, started: float) -> Attached:
        positions = read_positions(self._client, self._index)
        self._client.indices.refresh(index=self._index, request_timeout=PATIENCE_SECONDS)
        manifest = self._manifest(body, row_field)
        folder = generation_folder(self._store, manifest.generation)
        for leftover in generations_folder(self._store).glob(f"{self._index}-*{BUILDING}"):
            remove_folder(leftover)
        with Embeddings(self._store, self._encoder, self._previous) as embeddings:
            self._build(folder, manifest, embeddings)
        write_checkpoint(folder, positions)
        generation = self._without_gone(Generation.open(folder))
        written = 0 if row_field is None else self._write_rows(generation)
        pursuit = Pursuit(
            self._client, self._store, self._index, generation, self._encoder, self._progress
        )
        pursuit.catch_up()
        self._name_generation(manifest)
        embeddings.discard()
        self._remove_older()
        followed = pursuit.told(time.monotonic() - started)
        return Attached(
            generation=manifest.generation,
            target=self._index,
            products=pursuit.generation.products,
            embedded=embeddings.embedded + followed.embedded,
            reused=embeddings.reused,
            rows=written + followed.rows,
            row_field=row_field,
            left_out=dict(self._reader.left_out),
            seconds=followed.seconds,
        )

    def _manifest(self, body: Mapping[str, Any], row_field: str | None) -> Manifest:
        fields, encoder = self._fields, self._encoder
        uuid = body["settings"]["index"]["uuid"]
        facts = [uuid, fields.to_table(), encoder.name, FORMAT]
        return Manifest(
            generation=name_generation(self._index, self._number),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            digest=blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest(),
            encoder=encoder.name,
            dimension=encoder.dimension,
            text_fields=tuple(f"{name}^{boost:g}" for name, boost in fields.text.items()),
            columns=fields.columns,
            catalogue=fields.to_table(),
            row_field=row_field,
        )

    def _build(self, folder: Path, manifest: Manifest, embeddings: Embeddings) -> None:
        total = self._client.count(index=self._index)["count"]
        with GenerationWriter(folder, manifest) as writer:
            for chunk in chunks(self._products(manifest.row_field), CHUNK_PRODUCTS):
                writer.append(chunk, *embeddings.find(chunk))
                self._progress.advance("products", min(writer.products, total), total)
            self._progress.advance("indexes", 0, 1)
            writer.finish_rows()
            writer.commit(bad_rows=0)
            self._progress.advance("indexes", 1, 1)

    def _products(self, row_field: str | None) -> Iterator[Product]:
        """All products by row. Documents that hold rows already keep them."""
        previous = self._previous
        if previous is None or row_field is None or previous.manifest.row_field is None:
            previous = None
        else:
            yield from self._as_before(previous)
        routed: set[str] = set()
        for document in scan_documents(self._client, self._index, self._reader.paths):
            if document.routing is not None:  # only then may two documents have one id
                if document.id in routed:
                    continue
                routed.add(document.id)
            if previous is None or previous.given_rows([document.id])[0] < 0:
                yield self._reader.read(document.id, document.source)

    def _as_before(self, previous: Generation) -> Iterator[Product]:
        """The products of a generation on their rows; of one that is gone only its id is left."""
        for chunk in chunks(range(len(previous)), CHUNK_PRODUCTS):
            ids = previous.ids(np.array(chunk, np.int64))
            found = find_documents(self._client, self._index, ids, self._reader.paths)
            documents = {document.id: document for document in found}
            for id in ids:
                if id not in documents:
                    self._gone.append(id)
                yield self._reader.read(id, documents[id].source if id in documents else {})

    def _without_gone(self, generation: Generation) -> Generation:
        nothing = np.empty((0, generation.manifest.dimension), np.float16)
        return update_generation(generation, [], digest_texts([]), nothing, self._gone)

    def _write_rows(self, generation: Generation) -> int:
        """Give every document its row; one that changes meanwhile gets it when it is followed."""
        row = {"endcap": {"properties": {"row": {"type": "integer"}}}}
        self._client.indices.put_mapping(index=self._index, body={"properties": row})
        total, written = generation.products, 0
        documents = scan_documents(self._client, self._index, [])
        for chunk in chunks(documents, CHUNK_PRODUCTS):
            written += write_ours(self._client, self._index, wrong_rows(generation, chunk))
            self._progress.advance("rows", min(written, total), total)
        return written

    def _name_generation(self, manifest: Manifest) -> None:
        """The commit; every other key of `_meta` stays."""
        mappings = self._client.indices.get_mapping(index=self._index)[self._index]["mappings"]
        meta = {**mappings.get("_meta", {}), "endcap": manifest.meta}
        self._client.indices.put_mapping(index=self._index, body={"_meta": meta})

    def _remove_older(self) -> None:
        """All generations but this one, the one before, which searches may still use, and those
        that a reader holds.
        """
        for folder in list_folders(self._store, self._index)[:-2]:
            with unheld(folder) as free:
                if free:
                    remove_folder(folder)


def _open_last(folders: Sequence[Path]) -> Generation | None:
    """The last whole generation, whose vectors and rows are reused; None where there is none."""
    for folder in reversed(folders):
        if (folder / MANIFEST).exists():
            try:
                return Generation.open(folder)
            except (GenerationError, VectorsError):
                continue
    return None
