"""The columns of evidence, one module each."""

from endcap_reranker.columns.cooccurrence import CooccurrenceColumn
from endcap_reranker.columns.history import HistoryColumn
from endcap_reranker.columns.lexical import LexicalColumn
from endcap_reranker.columns.model import ItemVectors, ModelColumn
from endcap_reranker.columns.popularity import PopularityColumn
from endcap_reranker.columns.text import TextColumn

__all__ = [
    "CooccurrenceColumn",
    "HistoryColumn",
    "ItemVectors",
    "LexicalColumn",
    "ModelColumn",
    "PopularityColumn",
    "TextColumn",
]
