"""What a ranking is worth, query by query: computed by ir-measures, which asks pytrec_eval."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from endcap.evaluation.judgments import Judgments
from endcap.exceptions import EvaluationError

Doubles: TypeAlias = NDArray[np.float64]
Rankings: TypeAlias = Mapping[str, Sequence[str]]  # query → product ids, best first

NDCG, JUDGED, RECALL, MRR = "ndcg@10", "judged@10", "recall@100", "mrr"


def measure(rankings: Rankings, judgments: Judgments) -> dict[str, Doubles]:
    """(queries,) of each metric, in the order of the judgments; a query without a ranking has 0.

    NDCG with gain 2^grade - 1 (Burges et al., ICML 2005); a product without a grade gains nothing.
    judged@10: the share of the first ten that somebody graded. Recall and MRR: any grade above 0.
    """
    library = _library()
    measures = {
        NDCG: library.nDCG @ 10,
        JUDGED: library.Judged @ 10,
        RECALL: library.R @ 100,
        MRR: library.RR,
    }
    places = {query: place for place, query in enumerate(judgments.queries)}
    found = {name: np.zeros(len(places)) for name in measures}
    shown = {query: _scores(rankings[query]) for query in places if rankings.get(query)}
    gains = {query: _gains(judgments.grades[query]) for query in shown}
    if not shown:
        return found
    names = {measure: name for name, measure in measures.items()}
    for value in library.iter_calc(list(measures.values()), gains, shown):
        found[names[value.measure]][places[value.query_id]] = value.value
    return found


def _gains(graded: Mapping[str, int]) -> dict[str, int]:
    """Relevance levels whose own value is the gain."""
    return {product: 2**grade - 1 for product, grade in graded.items()}


def _scores(ranking: Sequence[str]) -> dict[str, float]:
    """Scores that fall by one: the tool sorts by score, and then by id."""
    return {product: float(len(ranking) - place) for place, product in enumerate(ranking)}


def _library() -> ModuleType:
    try:
        import ir_measures
    except ImportError as error:
        raise EvaluationError("metrics need ir-measures: pip install 'endcap[evaluate]'") from error
    library: ModuleType = ir_measures
    return library
