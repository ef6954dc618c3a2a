"""Each system is a search of the public client that says what it says it is."""

from dataclasses import replace

import numpy as np
import pytest

from endcap.evaluation.systems import SYSTEMS, Asked, Searcher
from endcap.exceptions import EvaluationError
from endcap.tuning import Tuning


def texts(client, ids):
    found = client.mget(body={"ids": ids}, index="products")["docs"]
    return [each["_source"]["title"] for each in found]


def test_lexical_is_the_plain_engine(reader, searcher):
    body = {"query": reader.text_query("red sofa", index="products"), "size": 20}
    plain = reader.search(body=body, index="products", endcap=False)
    found = searcher.rank("lexical", Tuning(), Asked("red sofa"), size=20)
    assert found == [hit["_id"] for hit in plain["hits"]["hits"]]


def test_lexical_finds_words_and_vector_finds_meaning(reader, searcher):
    """A synonym's vector is its first word's: `crimson couch` means `red sofa`."""
    lexical = set(texts(reader, searcher.rank("lexical", Tuning(), Asked("sofa"))))
    assert {title.split()[1] for title in lexical} == {"sofa"}
    vector = texts(reader, searcher.rank("vector", Tuning(), Asked("sofa"), size=24))
    assert {title.split()[1] for title in vector} == {"sofa", "couch"}


def test_vector_has_no_floor_and_the_others_have(searcher):
    tuning = Tuning(floor=0.9)
    assert len(searcher.rank("vector", tuning, Asked("sofa"))) == 72
    assert len(searcher.rank("fused", tuning, Asked("red sofa"))) < 72


def test_fused_takes_the_fusion_weights_and_reranked_the_blend(reader, searcher):
    words = {"lexical": 1.0, "text": 0.0}
    popular = {"lexical": 0.0, "text": 0.0, "popularity": 1.0}
    tuning = Tuning(floor=1.0, fusion=words, weights=popular)  # the lexical leg alone
    lexical = searcher.rank("lexical", tuning, Asked("sofa"))
    assert searcher.rank("fused", tuning, Asked("sofa")) == lexical
    reranked = searcher.rank("reranked", tuning, Asked("sofa"))
    assert sorted(reranked) == sorted(lexical)
    found = reader.mget(body={"ids": reranked}, index="products")["docs"]
    sales = [each["_source"]["sales"] for each in found]
    assert sales == sorted(sales, reverse=True)


def test_the_boosts_of_the_tuning_are_asked_for(searcher):
    """`Alder` is a brand, a third of the products; no title says it."""
    assert searcher.boosts() == {"title": 2.0, "brand": 1.0}
    assert searcher.rank("lexical", Tuning(boosts={"title": 1.0}), Asked("Alder")) == []
    assert len(searcher.rank("lexical", Tuning(boosts={"brand": 1.0}), Asked("Alder"))) == 24


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_judged_products_are_all_ordered_and_nothing_else(searcher, system):
    among = ["p001", "p005", "p017", "p040"]
    found = searcher.rank(system, Tuning(), Asked("red sofa", among=among), size=4)
    assert sorted(found) == among


def test_judged_products_need_no_word_of_the_query(searcher):
    among = ["p004", "p005"]  # a lamp and a light
    found = searcher.rank("reranked", Tuning(floor=0.9), Asked("sofa", among=among), size=2)
    assert sorted(found) == among


def test_more_judged_products_than_the_window(reader):
    small = Searcher(reader, "products", window=5)
    among = [f"p{number:03}" for number in range(30)]
    found = small.rank("reranked", Tuning(), Asked("sofa", among=among), size=30)
    assert sorted(found) == among


def test_explained_columns_are_what_the_client_blended(searcher):
    tuning = Tuning(weights={"lexical": 0.7, "text": 0.3})
    found = searcher.explain(tuning, Asked("red sofa"))
    scores = 0.7 * found.columns["lexical"] + 0.3 * found.columns["text"]
    assert set(found.columns) == {"lexical", "text"}
    assert np.all(np.diff(scores) <= 1e-6)
    assert found.ids[:20] == searcher.rank("reranked", tuning, Asked("red sofa"), size=20)


def test_a_column_without_an_opinion_is_nan(searcher):
    found = searcher.explain(Tuning(), Asked("red sofa"))
    assert np.isnan(found.columns["history"]).all()
    assert not np.isnan(found.columns["popularity"]).any()


def test_grades_stand_beside_the_candidates(searcher):
    found = searcher.explain(Tuning(floor=0.95), Asked("red sofa"))
    search = found.graded({found.ids[2]: 3, "nowhere": 2})
    assert search.grades.tolist() == [0, 0, 3, *[0] * (len(found.ids) - 3)]
    assert search.missed.tolist() == [2]


def test_history_and_hidden_products_are_asked_for(searcher):
    tuning = Tuning(weights={"history": 1.0}, floor=1.0)
    hidden = searcher.rank("lexical", tuning, Asked("sofa"))[:3]
    asked = Asked("sofa", history=("p018",), hidden=hidden)  # blue navy … a navy one
    found = searcher.explain(tuning, asked)
    assert not set(hidden) & set(found.ids)
    assert not np.isnan(found.columns["history"]).any()


def test_a_search_that_is_not_what_was_to_be_measured_is_an_error(reader, searcher):
    with pytest.raises(EvaluationError, match="'' was not searched as asked: no text"):
        searcher.rank("fused", Tuning(), Asked(""))
    with pytest.raises(EvaluationError, match="system 'bm25' is unknown; known are lexical"):
        searcher.rank("bm25", Tuning(), Asked("sofa"))
    assert replace(searcher, window=3).rank("fused", Tuning(), Asked("sofa"), size=3)
