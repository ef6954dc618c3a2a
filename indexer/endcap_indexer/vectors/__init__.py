"""Nearest products to a vector: exact where it is cheap, a graph where it is not."""

from endcap_indexer.vectors.clustered import (
    PACKED_VECTOR,
    ClusteredIndex,
    knn_field,
    unpack_vectors,
)
from endcap_indexer.vectors.flat import FlatIndex
from endcap_indexer.vectors.hnsw import HnswIndex
from endcap_indexer.vectors.index import (
    CLUSTERED,
    VectorIndex,
    choose_index,
    open_index,
    write_index,
)
from endcap_indexer.vectors.segmented import GONE, UNCHANGED, SegmentedIndex
from endcap_indexer.vectors.stored import StoredVectors, best

__all__ = [
    "CLUSTERED",
    "GONE",
    "PACKED_VECTOR",
    "UNCHANGED",
    "ClusteredIndex",
    "FlatIndex",
    "HnswIndex",
    "SegmentedIndex",
    "StoredVectors",
    "VectorIndex",
    "best",
    "choose_index",
    "knn_field",
    "open_index",
    "unpack_vectors",
    "write_index",
]
