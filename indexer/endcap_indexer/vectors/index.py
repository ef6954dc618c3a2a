"""The seam of vector search, and which index serves a catalogue of which size."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import VectorsError
from endcap_indexer.files import Folder, FolderWriter
from endcap_indexer.vectors.clustered import ClusteredIndex
from endcap_indexer.vectors.flat import FlatIndex
from endcap_indexer.vectors.hnsw import HnswIndex, write_graph
from endcap_indexer.vectors.stored import Rows, Scores

FLAT = "flat"
HNSW = "hnsw"
CLUSTERED = "clustered"
FLAT_CELLS = 4_000_000  # 10,400 rows of 384: exact search costs 0.9 ms here, the graph 0.7


class VectorIndex(Protocol):
    """Speaks rows, not ids, and inner products of unit vectors, which are cosines.

    It is safe to share between threads.
    """

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: Rows | None = None
    ) -> tuple[Rows, Scores]:
        """At most k rows, int64, and their inner products, float32, best first, ties by row.

        `vector` is (d,) float32. With `allowed` (unique rows, -1 is skipped) these alone are
        scored, exactly. A product without a vector is never found.
        """

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), d) float32; nan for row -1 and for a product without a vector."""


def choose_index(rows: int, dimension: int) -> str:
    """The index for so many vectors in a folder: exact while that costs under a millisecond."""
    return FLAT if rows * dimension <= FLAT_CELLS else HNSW


def write_index(kind: str, stored: NDArray[np.float16], folder: FolderWriter) -> None:
    """Write what the index needs beside the stored vectors: nothing, but for a graph."""
    if kind == HNSW:
        write_graph(stored, folder)


def open_index(kind: str, stored: NDArray[np.float16], folder: Folder) -> VectorIndex:
    """Open the index that `write_index` wrote over the same stored vectors."""
    if kind == FLAT:
        return FlatIndex(stored)
    if kind == HNSW:
        return HnswIndex(stored, folder)
    if kind == CLUSTERED:
        return ClusteredIndex()
    known = f"{FLAT}, {HNSW}, {CLUSTERED}"
    raise VectorsError(f"{folder.path} has an index of kind {kind!r}, known are {known}")
