"""Nearest products to a vector: exact where it is cheap, a graph where it is not."""

from endcap_indexer.vectors.flat import FlatIndex
from endcap_indexer.vectors.hnsw import HnswIndex
from endcap_indexer.vectors.index import VectorIndex, choose_index, open_index, write_index
from endcap_indexer.vectors.segmented import GONE, UNCHANGED, SegmentedIndex
from endcap_indexer.vectors.stored import StoredVectors, best

__all__ = [
    "GONE",
    "UNCHANGED",
    "FlatIndex",
    "HnswIndex",
    "SegmentedIndex",
    "StoredVectors",
    "VectorIndex",
    "best",
    "choose_index",
    "open_index",
    "write_index",
]
