"""Interactions of a shopper's state with an item, one module each."""

from collections.abc import Mapping

from endcap_reranker.models.matching.dot import Dot
from endcap_reranker.models.matching.interaction import Interaction
from endcap_reranker.models.matching.mlp import MLP

INTERACTIONS: Mapping[str, type[Interaction]] = {
    "dot": Dot,
    "mlp": MLP,
}

__all__ = ["INTERACTIONS", "Interaction"]
