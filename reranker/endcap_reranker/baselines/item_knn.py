"""What is chosen by the same shoppers."""

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.cooccurrence import Cooccurrence
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class ItemKNN(Baseline):
    """The co-occurrence of the re-rank stage: shrunk cosine, what is recent counting more."""

    def __init__(self, interactions: Interactions, text: Floats) -> None:
        self.counted = Cooccurrence.count(interactions)

    def score(self, cases: Cases) -> Floats:
        scores = [self.counted.score_all(*cases.history(row)) for row in range(len(cases))]
        return np.stack(scores)
