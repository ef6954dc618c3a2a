"""What reads like what was chosen last."""

import numpy as np

from endcap_reranker.arrays import Codes, Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.candidates import Candidates, Shopper
from endcap_reranker.columns import HistoryColumn
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class LastTexts(Baseline):
    """The history column of the re-rank stage: cosines to the texts of the last products."""

    def __init__(self, interactions: Interactions, text: Floats) -> None:
        self.text = text
        self.column = HistoryColumn()

    def score(self, cases: Cases) -> Floats:
        every = np.arange(len(self.text))
        silent = np.full(len(every), np.nan, np.float32)
        scores = np.empty((len(cases), len(every)), np.float32)
        for row in range(len(cases)):
            shopper = self._shopper(*cases.history(row))
            candidates = Candidates(every, silent, None, self.text, {}, shopper)
            scores[row] = self.column.score(candidates)
        return scores

    def _shopper(self, items: Codes, weights: Floats) -> Shopper:
        return Shopper(items.astype(np.int64), weights, self.text[items])
