"""What everybody chooses."""

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class Popularity(Baseline):
    """How many events an item has, whoever asks."""

    def __init__(self, interactions: Interactions, text: Floats) -> None:
        counts = np.bincount(interactions.items, minlength=len(interactions.item_ids))
        self.counts = counts.astype(np.float32)

    def score(self, cases: Cases) -> Floats:
        return np.tile(self.counts, (len(cases), 1))
