"""History encoders, one module each."""

from collections.abc import Mapping

from endcap_reranker.models.encoders.attention import SelfAttention
from endcap_reranker.models.encoders.encoder import Encoder, Events, History, Recurrent
from endcap_reranker.models.encoders.gru import GRU
from endcap_reranker.models.encoders.mean import Mean
from endcap_reranker.models.encoders.user import UserEmbedding

ENCODERS: Mapping[str, type[Encoder]] = {
    "user": UserEmbedding,
    "mean": Mean,
    "gru": GRU,
    "attention": SelfAttention,
}

__all__ = ["ENCODERS", "Encoder", "Events", "History", "Recurrent"]
