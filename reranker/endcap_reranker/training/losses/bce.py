"""Binary cross-entropy."""

from typing import TYPE_CHECKING

from endcap_reranker.training.losses.loss import Loss

if TYPE_CHECKING:
    from torch import Tensor


class BinaryCrossEntropy(Loss):
    """`-log σ(s⁺) - mean(log σ(-s⁻))` over k negatives.

    The loss of SASRec (Kang and McAuley, ICDM 2018) and of neural collaborative filtering (He et
    al., WWW 2017). The mean is what one negative gives on average, with less noise; their sum
    would, without a bias, teach first and for long that everything is wrong.
    """

    samples = True

    def __call__(self, scores: "Tensor", right: "Tensor", log_expected: "Tensor") -> "Tensor":
        from torch.nn.functional import softplus

        positive = scores.gather(1, right[:, None]).squeeze(1)
        negatives = softplus(scores).sum(1) - softplus(positive)
        drawn = (scores.isfinite().sum(1) - 1).clamp(min=1)  # -inf: it was the right one
        return (softplus(-positive) + negatives / drawn).sum()
