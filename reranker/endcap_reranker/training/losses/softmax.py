"""Cross-entropy of a softmax over all items, or over some that are drawn."""

from typing import TYPE_CHECKING

from endcap_reranker.training.losses.loss import Loss

if TYPE_CHECKING:
    from torch import Tensor


class FullSoftmax(Loss):
    """`-s⁺ + log(sum(exp(s_j)))` over every item j (GRU4Rec's cross-entropy without sampling; for
    SASRec Klenitskiy and Vasilev, RecSys 2023).
    """

    samples = False

    def __call__(self, scores: "Tensor", right: "Tensor", log_expected: "Tensor") -> "Tensor":
        from torch.nn import functional

        return functional.cross_entropy(scores, right, reduction="sum")


class SampledSoftmax(Loss):
    """`-s⁺ + log(exp(s⁺) + sum(exp(s_j - log(k Q_j))))` over k drawn items j.

    Importance sampling of the full softmax's sum (Bengio and Senécal, 2008): dividing by how often
    an item is drawn takes the draw's bias away. The right item is always there, so it is not
    divided (Khrylchenko et al., RecSys 2025).
    """

    samples = True

    def __call__(self, scores: "Tensor", right: "Tensor", log_expected: "Tensor") -> "Tensor":
        from torch.nn import functional

        return functional.cross_entropy(scores - log_expected, right, reduction="sum")
