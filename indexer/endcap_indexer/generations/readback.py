"""Vectors that lie in the cluster, read back so that the next generation need not embed again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from opensearchpy.helpers import scan

from endcap_indexer.catalogue import ROW_FIELD
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.manifest import FOLDER
from endcap_indexer.generations.progress import Progress
from endcap_indexer.vectors import PACKED_VECTOR, unpack_vectors

CHUNK_HITS = 1000
STAGE = "read back"


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
