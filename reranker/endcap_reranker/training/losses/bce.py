"""Binary cross-entropy."""

from typing import TYPE_CHECKING

from endcap_reranker.training.losses.loss import Loss

if TYPE_CHECKING:
    from torch import Tensor


class BinaryCrossEntropy(Loss):
    """`-log σ(s⁺) - sum(log σ(-s⁻))`, divided by 1 + k negatives.

    The loss of SASRec (Kang and McAuley, ICDM 2018) and of neural collaborative filtering; with
    many negatives as in gSASRec (Petrov and Macdonald, RecSys 2023), without its correction.
    """

    samples = True

    def __call__(self, scores: "Tensor", right: "Tensor", log_expected: "Tensor") -> "Tensor":
        from torch.nn import functional

        positive = scores.gather(1, right[:, None]).squeeze(1)
        every = functional.softplus(scores).sum(1)
        # softplus(s) - s = softplus(-s): the right one is counted as the others, then turned
        return (every - positive).sum() / scores.shape[1]
