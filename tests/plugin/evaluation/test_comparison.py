"""Systems side by side: the rows, and that nothing is tuned on what it is measured on."""

import json

import pytest
from rich.console import Console

from endcap.evaluation import Tuner, evaluate, measure
from endcap.evaluation.comparison import COLUMNS, Runs
from endcap.evaluation.folds import fold_of, split_folds
from endcap.evaluation.systems import Asked
from endcap.evaluation.tables import print_rows, write_rows
from endcap.evaluation.tune import beside_relevance
from endcap.exceptions import EvaluationError
from endcap.tuning import Tuning
from endcap_reranker import Fitted

THINGS = {"sofa": (0, 1), "jacket": (2, 3), "lamp": (4, 5)}
COLOURS = {"red": (0, 1), "blue": (2, 3)}


@pytest.fixture(scope="module")
def meaning():
    """Who asks for a red sofa also wants a crimson couch: words alone find half of the grades."""
    grades = {
        f"{colour} {thing}": {
            f"p{number:03}": 3
            for number in range(72)
            if number % 6 in kinds and number // 6 % 4 in shades
        }
        for colour, shades in COLOURS.items()
        for thing, kinds in THINGS.items()
    }
    from endcap.evaluation import Judgments

    return Judgments(grades, dict.fromkeys(grades, ""))


def test_a_row_for_each_system_and_for_each_difference(reader, meaning):
    rows = evaluate(reader, "products", meaning, Tuning(floor=0.5))
    assert [row["system"] for row in rows] == [
        "lexical", "vector", "fused", "reranked",
        "reranked-lexical", "fused-lexical", "vector-lexical",
    ]  # fmt: skip
    for row in rows[:4]:
        assert set(row) == {"system", "split", "queries", *COLUMNS}
        assert row["queries"] == 6
    for row in rows[4:]:
        assert row["low"] <= row["difference"] <= row["high"]


def test_the_figures_are_those_of_the_metrics(reader, searcher, meaning):
    tuning = Tuning(floor=0.5)
    found = {query: searcher.rank("fused", tuning, Asked(query)) for query in meaning.queries}
    (row,) = evaluate(reader, "products", meaning, tuning, systems=["fused"])
    for name, values in measure(found, meaning).items():
        assert row[name] == pytest.approx(values.mean(), abs=1e-4)


def test_meaning_finds_the_synonyms_that_words_miss(reader, meaning):
    lexical, vector, *_ = evaluate(reader, "products", meaning, Tuning(floor=0.5))
    assert vector["ndcg@10"] == 1
    assert lexical["ndcg@10"] < 1
    assert lexical["rerank_ndcg@10"] == 1  # every judged product is equally good


def test_queries_without_a_relevant_product_are_left_out(reader, judge):
    judgments = judge({"red sofa": {"p000": 1}, "green sofa": {"p000": 0}})
    assert {row.get("queries", 1) for row in evaluate(reader, "products", judgments, Tuning())} == {
        1
    }
    with pytest.raises(EvaluationError, match="none of 1 judged queries"):
        evaluate(reader, "products", judge({"green sofa": {"p000": 0}}), Tuning())


def test_the_baseline_may_have_boosts_of_its_own(reader, judge):
    judgments = judge({"Alder": {"p000": 1}})
    title, brand = Tuning(boosts={"title": 1.0}), Tuning(boosts={"brand": 1.0})
    (one,) = evaluate(reader, "products", judgments, title, systems=["lexical"])
    (other,) = evaluate(reader, "products", judgments, title, baseline=brand, systems=["lexical"])
    assert (one["mrr"], other["mrr"]) == (0, 1)


def test_every_query_is_answered_by_what_the_other_folds_chose(reader, meaning, monkeypatch):
    """The leak that this would catch: a query in the training of its own answer."""
    chosen_on, answered = [], []
    tune, search = Tuner.tune, Runs.search

    def spy_tune(self, training):
        chosen_on.append(set(training.queries))
        return tune(self, training)

    def spy_search(self, searcher, held_out, tunings):
        answered.append(set(held_out.queries))
        return search(self, searcher, held_out, tunings)

    monkeypatch.setattr(Tuner, "tune", spy_tune)
    monkeypatch.setattr(Runs, "search", spy_search)
    rows = Tuner(reader, "products", meaning).out_of_fold()
    assert len(answered) == len({fold_of(query) for query in meaning.queries})
    assert set().union(*answered) == set(meaning.queries)
    for training, held_out in zip(chosen_on, answered, strict=True):
        assert not training & held_out
        assert training | held_out == set(meaning.queries)
    assert {row["split"] for row in rows} == {"oof"}


def test_grades_of_a_held_out_query_do_not_change_its_configuration(reader, meaning):
    fold = next(split_folds(meaning))
    spoiled = {
        query: dict.fromkeys(grades, 1) | {"p071": 3} if query in fold.held_out.grades else grades
        for query, grades in meaning.grades.items()
    }
    from endcap.evaluation import Judgments

    first = Tuner(reader, "products", meaning).tune(fold.training)
    again = Tuner(reader, "products", Judgments(spoiled, meaning.splits)).tune(fold.training)
    assert first == again


def test_tuning_leans_on_the_leg_that_is_right(reader, meaning):
    tuned = Tuner(reader, "products", meaning).tune(meaning)
    assert tuned.tuning.fusion["text"] > 0.5
    assert tuned.tuning.floor == 0.6  # what is wanted is as near as can be
    rows = evaluate(reader, "products", meaning, tuned.tuning, baseline=tuned.baseline)
    assert {row["system"]: row for row in rows}["fused"]["ndcg@10"] == 1


def test_a_column_that_speaks_without_a_shopper_is_fitted(reader, judge):
    """The toy shop has sales; here the best-sold of equal products is the one that is wanted."""
    grades = {
        f"{colour} {thing}": {f"p{n:03}": (n % 7) // 2 for n in range(72) if n % 6 == kinds[0]}
        for colour in ("red", "blue")
        for thing, kinds in THINGS.items()
    }
    judgments = judge(grades)
    tuned = Tuner(reader, "products", judgments).tune(judgments).tuning
    assert tuned.weights["popularity"] > Tuning().weights["popularity"]
    assert tuned.weights["history"] == Tuning().weights["history"]  # nobody asked: as it was
    assert tuned.weights["lexical"] + tuned.weights["text"] == pytest.approx(1)


def test_fitted_weights_stand_beside_words_and_meaning_of_one():
    weights = {"lexical": 0.3, "text": 0.1, "history": 0.2, "popularity": 0.4}
    fitted = Fitted(weights, 0.5, 0.4, 10)
    assert beside_relevance(fitted) == pytest.approx(
        {"lexical": 0.75, "text": 0.25, "history": 0.5, "popularity": 1.0}
    )
    assert beside_relevance(fitted, 0.6)["lexical"] == 0.6
    assert beside_relevance(fitted, 0.6)["history"] == 0.5


def test_rows_are_a_table_and_a_json_list(tmp_path):
    rows = [
        {"system": "lexical", "queries": 1234, "ndcg@10": 0.5},
        {"system": "fused", "queries": 1234, "ndcg@10": 0.75},
        {"system": "fused-lexical", "difference": 0.25},
    ]
    console = Console(record=True, width=80)
    print_rows(console, rows)
    shown = console.export_text()
    assert "lexical" in shown and "1,234" in shown and "0.7500" in shown
    assert shown.count("fused-lexical") == 1
    write_rows(tmp_path / "rows.json", rows)
    assert json.loads((tmp_path / "rows.json").read_text()) == rows
