"""What a loss is: the scores of candidates in, one number out; torch."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """A formula over the candidates of n positions: one right item each, and negatives."""

    samples: bool  # negatives are drawn; else every item is a candidate

    def __call__(self, scores: "Tensor", right: "Tensor", log_expected: "Tensor") -> "Tensor":
        """The sum over the positions.

        scores: (n, c), -inf where a drawn negative is the right item itself. right: (n,) column of
        the right one. log_expected: (c,) log of how often an item is drawn; 0 for the right one.
        """
        ...
