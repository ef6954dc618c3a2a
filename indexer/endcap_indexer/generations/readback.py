"""Vectors that lie in the cluster, read back: all of them, so that the next generation need not
embed again, or those of some products, as the item side of a model reads them.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch, OpenSearchException
from opensearchpy.helpers import scan

from endcap_indexer.catalogue import ROW_FIELD
from endcap_indexer.exceptions import VectorsError
from endcap_indexer.generations.chunks import chunks
from endcap_indexer.generations.documents import NO_PIPELINE
from endcap_indexer.generations.embeddings import digest_texts
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.manifest import FOLDER
from endcap_indexer.generations.progress import Progress
from endcap_indexer.vectors import PACKED_VECTOR, unpack_vectors

CHUNK_HITS = 1000
STAGE = "read back"

logger = logging.getLogger(__name__)


@contextmanager
def read_back(
    client: OpenSearch, live: Generation | None, encoder: str | None, progress: Progress
) -> Iterator[Sequence[Embedded]]:
    """The live generation's vectors by their texts, in a temporary file, where they lie in the
    cluster and are of this encoder.
    """
    if live is None or live.manifest.vectors == FOLDER or live.manifest.encoder != encoder:
        yield ()
        return
    with TemporaryFile() as file:
        shape = (len(live), live.manifest.dimension)
        vectors: NDArray[np.float16] = np.memmap(file, np.float16, "w+", shape=shape)
        _fill(vectors, _read(client, live), progress)
        # what the engine no longer has is known by no text
        missing = np.isnan(vectors[:, 0])
        digests = np.where(missing, np.bytes_(b""), live.digests(np.arange(len(live))))
        yield (Embedded(digests, vectors),)


def read_vectors(
    client: OpenSearch, generation: Generation, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(len(rows), d) float32 of the products of different rows, read from the cluster page by page;
    nan for row -1 and for a product whose document has no vector or is gone.

    They are asked for by id: a document gets its row last of all. Texts without a vector are
    logged; VectorsError says why nothing can be read.
    """
    vectors = np.full((len(rows), generation.manifest.dimension), np.nan, np.float32)
    for places in chunks(np.flatnonzero(rows >= 0).tolist(), CHUNK_HITS):
        place_of = dict(zip(generation.ids(rows[places]), places, strict=True))
        hits = _find(client, generation.name, list(place_of))
        found = [place_of[hit["_id"]] for hit in hits]
        vectors[found] = unpack_vectors(hits, vectors.shape[1])
    said = ~np.isin(generation.digests(rows), (b"", *digest_texts([""])))
    if lacking := np.count_nonzero(said & np.isnan(vectors).any(axis=1)):
        logger.warning("%d texts of %s have no vector in the cluster", lacking, generation.name)
    return vectors


def _find(client: OpenSearch, index: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    body = {
        "query": {"ids": {"values": ids}},
        "size": len(ids),
        "_source": False,
        "script_fields": PACKED_VECTOR,
        "track_total_hits": False,
    }
    whole = {"search_pipeline": NO_PIPELINE, "allow_partial_search_results": "false"}
    try:
        answer = client.search(index=index, body=body, params=whole)
    except OpenSearchException as error:
        raise VectorsError(f"the vectors of {index} cannot be read back: {error}") from error
    return answer["hits"]["hits"]  # type: ignore[no-any-return]


def _fill(
    vectors: NDArray[np.float16],
    chunks: Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]],
    progress: Progress,
) -> None:
    vectors[:] = np.nan
    done = 0
    for rows, chunk in chunks:
        vectors[rows] = chunk
        done += len(rows)
        progress.advance(STAGE, done, len(vectors))


def _read(
    client: OpenSearch, live: Generation
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
    body = {
        "query": {"exists": {"field": ROW_FIELD}},
        "_source": False,
        "docvalue_fields": [ROW_FIELD],
        "script_fields": PACKED_VECTOR,
    }
    hits = scan(client, query=body, index=live.name, size=CHUNK_HITS)
    while chunk := list(islice(hits, CHUNK_HITS)):
        rows = np.array([hit["fields"][ROW_FIELD][0] for hit in chunk], np.int64)
        known = rows < len(live)  # others may have been added meanwhile
        yield rows[known], unpack_vectors(chunk, live.manifest.dimension)[known]
