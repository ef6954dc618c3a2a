"""What is tried on columns is what the client would answer."""

from dataclasses import replace

import numpy as np
import pytest

from endcap.evaluation import measure
from endcap.evaluation.systems import NO_FLOOR, Asked, Explained
from endcap.evaluation.trials import FLOORS, SHARES, Trials, leave, ndcgs, recalls
from endcap.tuning import Tuning

GRADES = {"p000": 3, "p001": 1, "p007": 2, "p040": 0, "p005": 0, "p018": 1}
QUERY = "red sofa"


def weights(share):
    return {"lexical": share, "text": 1 - share}


def test_ndcg_is_that_of_the_metrics(judge):
    columns = {"lexical": np.array([1, 0.5, 0.2, 0]), "text": np.array([0, 0.5, 0.4, 1])}
    explained = Explained(["a", "b", "c", "d"], columns)
    grades = {"a": 1, "c": 3, "d": 2, "e": 3}
    judgments = judge({"lamp": grades})
    for place, share in enumerate(SHARES):
        scores = share * columns["lexical"] + (1 - share) * columns["text"]
        order = [explained.ids[n] for n in np.argsort(-scores, kind="stable")]
        found = measure({"lamp": order}, judgments)
        assert ndcgs(explained, grades)[place] == pytest.approx(found["ndcg@10"][0])
        assert recalls(explained, grades)[place] == pytest.approx(found["recall@100"][0]) == 3 / 4


def test_leaving_candidates_out_calibrates_the_rest_anew():
    columns = {"lexical": np.array([1, 0.5]), "text": np.array([0.4, 1]), "popularity": np.ones(2)}
    left = leave(Explained(["a", "b"], columns), frozenset({"a"}))
    assert left.ids == ["a"]
    assert {name: column.tolist() for name, column in left.columns.items()} == {
        "lexical": [1.0],
        "text": [1.0],
    }


@pytest.mark.parametrize("boosts", [{"title": 2.0, "brand": 1.0}, {"title": 1.0, "brand": 4.0}])
def test_every_trial_is_worth_what_the_client_answers(searcher, judge, boosts):
    judgments = judge({QUERY: GRADES})
    worth = Trials(searcher, judgments).worth(boosts)
    for first, floor in enumerate(FLOORS):
        for second, share in enumerate(SHARES):
            tuning = Tuning(boosts, floor, weights(share), weights(share))
            found = {QUERY: searcher.rank("fused", tuning, Asked(QUERY))}
            among = Asked(QUERY, among=list(GRADES))
            judged = {QUERY: searcher.rank("reranked", tuning, among, size=len(GRADES))}
            shown, ordered = measure(found, judgments), measure(judged, judgments)["ndcg@10"]
            ndcg, recall = shown["ndcg@10"], shown["recall@100"]
            assert worth.fused[first, second] == pytest.approx((ndcg + recall) / 2)
            expected = (2 * ndcg + recall + ordered) / 4
            assert worth.reranked[first, second] == pytest.approx(expected)
    plain = {QUERY: searcher.rank("lexical", Tuning(boosts), Asked(QUERY))}
    assert worth.lexical == pytest.approx(measure(plain, judgments)["ndcg@10"])


def test_boosts_are_searched_once(searcher, judge):
    class Counted:
        def __init__(self):
            self.searches = 0

        def __getattr__(self, name):
            return getattr(searcher, name)

        def explain(self, tuning, asked):
            self.searches += 1
            assert tuning.floor == NO_FLOOR
            return searcher.explain(tuning, asked)

    counted = Counted()
    trials = Trials(counted, judge({QUERY: GRADES, "coat": {"p002": 1}}))
    first = trials.worth({"title": 2.0, "brand": 1.0})
    assert counted.searches == 2 * 2  # of each query, and of its judged list
    assert trials.worth({"brand": 1.0, "title": 2.0}) is first
    assert counted.searches == 4


def test_the_floor_is_what_the_client_takes_it_for(searcher):
    """Above its own cosine a product that only the vector leg finds is not shown."""
    tuning = Tuning(weights=weights(0.5))
    shown = [set(searcher.rank("fused", replace(tuning, floor=f), Asked("sofa"))) for f in FLOORS]
    assert all(higher <= lower for higher, lower in zip(shown, shown[1:], strict=False))
    assert len(shown[0]) < len(shown[-1])
