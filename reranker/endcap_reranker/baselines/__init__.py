"""What a model must beat: rankings that learn little or nothing, one module each."""

from collections.abc import Mapping, Sequence

from endcap_reranker.arrays import Floats
from endcap_reranker.baselines.baseline import Baseline
from endcap_reranker.baselines.ease import EASE
from endcap_reranker.baselines.item_knn import ItemKNN
from endcap_reranker.baselines.popularity import Popularity
from endcap_reranker.baselines.text import LastTexts
from endcap_reranker.choices import choose
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases, average, rank_cases

BASELINES: Mapping[str, type[Baseline]] = {
    "popularity": Popularity,
    "item-knn": ItemKNN,
    "ease": EASE,
    "text": LastTexts,
}


def rank_baselines(
    names: Sequence[str], interactions: Interactions, text: Floats, cases: Cases
) -> dict[str, dict[str, float]]:
    """HR@10 and NDCG@10 of each on the cases, full ranking. text: (m, t), t may be 0: then there is
    no text to go by, and `text` is left out.
    """
    ranked = {}
    for name in names:
        if name == "text" and not text.shape[1]:
            continue
        baseline = choose("baseline", BASELINES, name)(interactions, text)
        ranks = rank_cases(cases, len(interactions.item_ids), baseline.score)
        ranked[name] = average(ranks)
    return ranked


__all__ = ["BASELINES", "EASE", "Baseline", "rank_baselines"]
