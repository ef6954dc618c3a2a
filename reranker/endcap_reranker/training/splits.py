"""What is trained on, and what is asked to see when to stop."""

from typing import NamedTuple

import numpy as np

from endcap_reranker.exceptions import InteractionsError
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class Split(NamedTuple):
    training: Interactions
    validation: Cases


def split(interactions: Interactions, share: float) -> Split:
    """By a global moment where events have times, else each user's last item is the question.

    With times, the last `share` of the events is asked for: each user's first item after that
    moment, from the history before it (Meng et al., RecSys 2020: a split by user lets a model
    learn from the future). Raises InteractionsError where nothing can be asked.
    """
    interactions = interactions.distinct()
    if interactions.times is None:
        nobody = "no user has two products"
        parts = Split(interactions.without_last(1), Cases.at(interactions, interactions.last(1)))
    else:
        nobody = f"nobody has a product before the last {share:.0%} of the events and one in them"
        parts = _by_time(interactions, float(np.quantile(interactions.times, 1 - share)))
    if not len(parts.training) or not len(parts.validation):
        raise InteractionsError(
            f"{nobody}, so there is nothing to validate on; more events are needed"
        )
    return parts


def _by_time(interactions: Interactions, moment: float) -> Split:
    assert interactions.times is not None
    before = interactions.times <= moment
    starts = interactions.histories().indptr[:-1]
    passed = np.concatenate([[0], np.cumsum(before)])
    indptr = interactions.histories().indptr
    places = starts + passed[indptr[1:]] - passed[starts]
    places[places == indptr[1:]] = -1
    return Split(interactions.only(before), Cases.at(interactions, places))
