"""Losses, each a formula."""

from collections.abc import Mapping

from endcap_reranker.training.losses.bce import BinaryCrossEntropy
from endcap_reranker.training.losses.loss import Loss
from endcap_reranker.training.losses.softmax import FullSoftmax, SampledSoftmax

LOSSES: Mapping[str, type[Loss]] = {
    "bce": BinaryCrossEntropy,
    "sampled-softmax": SampledSoftmax,
    "full-softmax": FullSoftmax,
}

__all__ = ["LOSSES", "Loss"]
