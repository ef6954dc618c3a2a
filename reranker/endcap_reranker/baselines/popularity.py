"""What everybody chooses."""

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.counting import count_popularity
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class Popularity(Baseline):
    """How often an item was chosen lately, whoever asks."""

    def __init__(self, interactions: Interactions, text: Floats) -> None:
        self.counts = count_popularity(interactions)

    def score(self, cases: Cases) -> Floats:
        return np.tile(self.counts, (len(cases), 1))
