"""What a build would do, without writing anything to the engine or to the store."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import BadRow, BadRows, read_products
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS, chunks
from endcap_indexer.generations.embeddings import Digests, digest_texts, known_digests
from endcap_indexer.generations.gates import Gates
from endcap_indexer.generations.golive import lived
from endcap_indexer.generations.indices import IndexSettings, live_index
from endcap_indexer.generations.manifest import name_generation
from endcap_indexer.generations.progress import Progress, Silence
from endcap_indexer.generations.reindex import (
    DEFAULT_GATES,
    DEFAULT_SETTINGS,
    Catalogue,
    open_live,
)
from endcap_indexer.generations.removal import finished, next_number


class Rehearsed(NamedTuple):
    """What would be."""

    generation: str
    products: int
    bad_rows: int
    embedded: int  # texts that are not known yet
    live: str | None
    live_products: int
    unchanged: bool
    shrunk: bool  # too much: the gate would refuse it
    removed: tuple[str, ...]  # generations, unless a reader holds them


def rehearse(
    client: OpenSearch,
    store: Path,
    index: str,
    catalogue: Catalogue,
    encoder: str | None,
    settings: IndexSettings = DEFAULT_SETTINGS,
    *,
    gates: Gates = DEFAULT_GATES,
    progress: Progress | None = None,
) -> Rehearsed:
    """Read and check a whole catalogue as `reindex` would, and say what would come of it.

    encoder: its name; None where there is none, or where it has yet to be obtained.
    Raises what reading a catalogue raises, and GenerationError for an alias that cannot be swapped.
    """
    live = live_index(client, index)
    generation = open_live(store, index, live)
    known = known_digests(store, generation, encoder)
    products, bad_rows, texts = _read(catalogue, known, progress or Silence())
    name = name_generation(index, next_number(client, store, index))
    before = 0 if live is None else client.count(index=live)["count"]
    kept = {live, *[*lived(store, index), name][-settings.keep :]}
    return Rehearsed(
        name,
        products,
        bad_rows,
        texts,
        live,
        before,
        generation is not None
        and catalogue.digest(encoder, settings) == generation.manifest.digest,
        products < gates.least_share * before,
        tuple(each for each in finished(store, index) if each not in kept),
    )


def _read(catalogue: Catalogue, known: Digests, progress: Progress) -> tuple[int, int, int]:
    """Products, bad rows, and different texts that are not known yet."""
    bad_rows, count = BadRows(), 0

    def refuse(bad: BadRow) -> None:
        bad_rows(bad)
        catalogue.on_bad_row(bad)

    new: set[bytes] = set()
    total = catalogue.source.count()
    for chunk in chunks(
        read_products(catalogue.source, catalogue.fields, on_bad_row=refuse), CHUNK_PRODUCTS
    ):
        count += len(chunk)
        if catalogue.fields.vector is None:
            digests = digest_texts([product.text for product in chunk if product.text])
            new.update(digests[~np.isin(digests, known)].tolist())
        progress.advance("products", min(count + bad_rows.count, total), total)
    return count, bad_rows.count, len(new)
