"""Texts to unit vectors: onnxruntime on a CPU, sentence-transformers on a GPU."""

from endcap_indexer.encoder.cache import CacheCounters, QueryCache
from endcap_indexer.encoder.encoder import Encoder
from endcap_indexer.encoder.layout import Prompts
from endcap_indexer.encoder.onnx import EncodedBatch, OnnxEncoder
from endcap_indexer.encoder.sources import find_encoder, open_encoder, open_stored
from endcap_indexer.encoder.weights import DEFAULT_MODEL

__all__ = [
    "DEFAULT_MODEL",
    "CacheCounters",
    "EncodedBatch",
    "Encoder",
    "OnnxEncoder",
    "Prompts",
    "QueryCache",
    "find_encoder",
    "open_encoder",
    "open_stored",
]
