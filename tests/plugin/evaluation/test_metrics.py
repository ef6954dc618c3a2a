"""The metrics against their formulas, written out."""

import builtins
from math import log2

import numpy as np
import pytest

from endcap.evaluation import measure
from endcap.exceptions import EvaluationError


def test_ndcg_has_the_exponential_gain(judge):
    judgments = judge({"lamp": {"a": 3, "b": 1, "c": 2, "d": 0}})
    found = measure({"lamp": ["d", "b", "x", "a"]}, judgments)
    gained = (2**1 - 1) / log2(3) + (2**3 - 1) / log2(5)
    ideal = (2**3 - 1) / log2(2) + (2**2 - 1) / log2(3) + (2**1 - 1) / log2(4)
    assert found["ndcg@10"] == pytest.approx([gained / ideal])


def test_only_the_first_ten_count(judge):
    judgments = judge({"lamp": {"a": 1}})
    others = [f"x{number}" for number in range(10)]
    assert measure({"lamp": [*others[:9], "a"]}, judgments)["ndcg@10"] == pytest.approx(
        [1 / log2(11)]
    )
    assert measure({"lamp": [*others, "a"]}, judgments)["ndcg@10"] == [0]


def test_judged_is_the_share_of_the_first_ten_that_has_a_grade(judge):
    judgments = judge({"lamp": {"a": 1, "b": 0}})
    shown = ["a", "b", *(f"x{number}" for number in range(8))]
    assert measure({"lamp": shown}, judgments)["judged@10"] == pytest.approx([2 / 10])


def test_recall_and_the_reciprocal_rank_take_any_grade_above_zero(judge):
    judgments = judge({"lamp": {"a": 1, "b": 0, "c": 3}})
    shown = ["b", *(f"x{number}" for number in range(98)), "a", "c"]
    found = measure({"lamp": shown}, judgments)
    assert found["recall@100"] == pytest.approx([1 / 2])
    assert found["mrr"] == pytest.approx([1 / 100])


def test_values_stand_in_the_order_of_the_judgments(judge):
    judgments = judge({"b": {"1": 1}, "a": {"1": 1}, "c": {"1": 1}})
    found = measure({"a": ["1"], "b": ["2", "1"], "c": []}, judgments)
    assert found["mrr"] == pytest.approx([1 / 2, 1, 0])


def test_a_query_that_was_not_asked_has_zero(judge):
    found = measure({}, judge({"a": {"1": 1}}))
    assert {name: values.tolist() for name, values in found.items()} == dict.fromkeys(found, [0.0])


def test_the_order_decides_and_not_the_ids(judge):
    """pytrec_eval breaks ties of the score by id."""
    judgments = judge({"lamp": {"m": 1}})
    for shown in (["a", "m", "z"], ["z", "m", "a"]):
        assert measure({"lamp": shown}, judgments)["mrr"] == pytest.approx([1 / 2])


def test_without_ir_measures_it_says_what_to_install(judge, monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **keywords):
        if name == "ir_measures":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(EvaluationError, match=r"pip install 'endcap\[evaluate\]'"):
        measure({"a": ["1"]}, judge({"a": {"1": 1}}))


def test_a_perfect_order_has_one(judge):
    found = measure({"a": ["1", "2", "3"]}, judge({"a": {"1": 3, "2": 2, "3": 1}}))
    assert np.allclose([found["ndcg@10"], found["mrr"], found["recall@100"]], 1)
