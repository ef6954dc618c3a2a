"""Scores of words: BM25 as Lucene computes it, written out."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

K1, B = 1.2, 0.75
TITLES = {"1": "red shoe", "2": "red red shoe blue", "3": "blue", "4": None, "5": "green shoe"}
LENGTHS = {"1": 2, "2": 4, "3": 1, "5": 2}
AVERAGE = 9 / 4  # over the four documents that have a title
TEXTS = {"1": "red hat", "3": "red red red"}


def idf(frequency: int, documents: int) -> float:
    return math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5))


def bm25(weight: float, count: float, length: int, average: float) -> float:
    return weight * count / (count + K1 * (1 - B + B * length / average))


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    fields = {"title": {"type": "text"}, "text": {"type": "text"}}
    sources = {id: {"title": title, "text": TEXTS.get(id)} for id, title in TITLES.items()}
    return build_index({"mappings": {"properties": fields}}, sources)


def scores(client: OpenSearch, index: str, query: dict[str, Any]) -> dict[str, float]:
    hits = client.search(index=index, body={"query": query})["hits"]["hits"]
    values = [hit["_score"] for hit in hits]
    assert values == sorted(values, reverse=True)
    return {hit["_id"]: hit["_score"] for hit in hits}


def title(word_frequency: int, count: int, id: str) -> float:
    return bm25(idf(word_frequency, 4), count, LENGTHS[id], AVERAGE)


def text(word_frequency: int, count: int, length: int) -> float:
    return bm25(idf(word_frequency, 2), count, length, 5 / 2)


def close(expected: dict[str, float]) -> Any:
    return pytest.approx(expected, rel=3e-6)


def test_one_word(client: OpenSearch, shop: str) -> None:
    expected = {"1": title(2, 1, "1"), "2": title(2, 2, "2")}
    assert scores(client, shop, {"match": {"title": "red"}}) == close(expected)
    assert scores(client, shop, {"term": {"title": "red"}}) == close(expected)


def test_words_add_up_and_boosts_multiply(client: OpenSearch, shop: str) -> None:
    expected = {
        "1": 2 * title(3, 1, "1"),
        "2": 2 * (title(3, 1, "2") + title(2, 1, "2")),
        "3": 2 * title(2, 1, "3"),
        "5": 2 * title(3, 1, "5"),
    }
    query = {"match": {"title": {"query": "shoe blue", "boost": 2}}}
    assert scores(client, shop, query) == close(expected)


def test_a_word_said_twice_counts_twice(client: OpenSearch, shop: str) -> None:
    expected = {"1": 2 * title(2, 1, "1"), "2": 2 * title(2, 2, "2")}
    assert scores(client, shop, {"match": {"title": "red red"}}) == close(expected)


def test_a_phrase_weighs_what_its_words_weigh_together(client: OpenSearch, shop: str) -> None:
    weight = idf(2, 4) + idf(3, 4)
    expected = {"1": bm25(weight, 1, 2, AVERAGE), "2": bm25(weight, 1, 4, AVERAGE)}
    assert scores(client, shop, {"match_phrase": {"title": "red shoe"}}) == close(expected)


def test_best_fields_and_tie_breaker(client: OpenSearch, shop: str) -> None:
    both = title(2, 1, "1"), 3 * text(2, 1, 2)
    expected = {
        "1": max(both) + 0.3 * min(both),
        "2": title(2, 2, "2"),
        "3": 3 * text(2, 3, 3),
    }
    query = {"query": "red", "fields": ["title", "text^3"], "tie_breaker": 0.3}
    assert scores(client, shop, {"multi_match": query}) == close(expected)


def test_most_fields_adds(client: OpenSearch, shop: str) -> None:
    expected = {
        "1": title(2, 1, "1") + text(2, 1, 2),
        "2": title(2, 2, "2"),
        "3": text(2, 3, 3),
    }
    query = {"query": "red", "fields": ["title", "text"], "type": "most_fields"}
    assert scores(client, shop, {"multi_match": query}) == close(expected)


def test_cross_fields_blends_document_frequencies(client: OpenSearch, shop: str) -> None:
    """`shoe` stands in 3 titles, `hat` in 1 text; `red` in 2 of each, so both say 2."""
    expected = {
        "1": max(title(2, 1, "1"), text(2, 1, 2)) + title(3, 1, "1"),
        "2": title(2, 2, "2") + title(3, 1, "2"),
        "3": text(2, 3, 3),
        "5": title(3, 1, "5"),
    }
    query = {"query": "red shoe", "fields": ["title", "text"], "type": "cross_fields"}
    assert scores(client, shop, {"multi_match": query}) == close(expected)


def test_cross_fields_takes_the_largest_frequency_and_one_more_where_it_falls(
    client: OpenSearch, index: str
) -> None:
    fields = {name: {"type": "text"} for name in ("one", "two", "three")}
    client.indices.create(index=index, body={"mappings": {"properties": fields}})
    sources = [
        {"one": "word", "two": "word", "three": "word"},
        {"one": "word", "two": "other", "three": "other"},
        {"one": "word", "two": "word", "three": "other"},
        {"one": "other", "two": "other", "three": "other"},
        {"one": "other", "two": "other", "three": "other"},
        {"one": "other", "two": "other", "three": "other"},
    ]
    for number, source in enumerate(sources):
        client.index(index=index, id=str(number), body=source)
    client.indices.refresh(index=index)
    query = {"query": "word", "type": "cross_fields", "tie_breaker": 1.0}
    found = scores(client, index, {"multi_match": {**query, "fields": ["two", "one", "three"]}})
    one, two, three = (bm25(idf(3 + more, 6), 1, 1, 1.0) for more in (0, 1, 2))
    assert found == close({"0": one + two + three, "1": one, "2": one + two})


def test_english_lengths_do_not_count_stop_words(client: OpenSearch, index: str) -> None:
    body = {"mappings": {"properties": {"title": {"type": "text", "analyzer": "english"}}}}
    client.indices.create(index=index, body=body)
    client.index(index=index, id="1", body={"title": "the end of the line"})
    client.index(index=index, id="2", body={"title": "lines"})
    client.indices.refresh(index=index)
    weight = idf(2, 2)
    expected = {"2": bm25(weight, 1, 1, 1.5), "1": bm25(weight, 1, 2, 1.5)}
    assert scores(client, index, {"match": {"title": "line"}}) == close(expected)


def test_equal_scores_come_in_the_order_of_writing(client: OpenSearch, index: str) -> None:
    names = [f"{number * 7919 % 101:03d}" for number in range(100)]
    actions = [line for id in names for line in ({"index": {"_id": id}}, {"title": "same words"})]
    client.bulk(index=index, body=actions, params={"refresh": "true"})
    body: dict[str, Any] = {"query": {"match": {"title": "same"}}, "size": 100}
    assert [hit["_id"] for hit in client.search(index=index, body=body)["hits"]["hits"]] == names
    pages = []
    for start in range(0, 100, 9):
        found = client.search(index=index, body={**body, "from": start, "size": 9})
        pages += [hit["_id"] for hit in found["hits"]["hits"]]
    assert pages == names


def test_a_deleted_document_is_not_found(client: OpenSearch, index: str) -> None:
    for id, title in TITLES.items():
        client.index(index=index, id=id, body={"title": title})
    client.indices.refresh(index=index)
    client.delete(index=index, id="2")
    client.index(index=index, id="1", body={"title": "yellow"})
    client.indices.refresh(index=index)
    assert scores(client, index, {"match": {"title": "red"}}) == {}
    assert set(scores(client, index, {"match": {"title": "yellow"}})) == {"1"}
    assert client.count(index=index)["count"] == 4


def test_a_boolean_is_a_term_of_length_one(client: OpenSearch, index: str) -> None:
    for id, sold in enumerate([True, True, False, None]):
        client.index(index=index, id=str(id), body={"sold": sold})
    client.indices.refresh(index=index)
    expected = {"2": bm25(idf(1, 3), 1, 1, 1.0)}
    assert scores(client, index, {"term": {"sold": False}}) == close(expected)
    assert scores(client, index, {"terms": {"sold": [False]}}) == close(expected)
    assert scores(client, index, {"terms": {"sold": [False, True]}}) == dict.fromkeys("012", 1.0)


def test_a_function_scores_by_a_field(client: OpenSearch, index: str) -> None:
    sources = {"a": {"n": 1, "k": "x"}, "b": {"n": 100}, "c": {"k": "x"}, "d": {"n": [9, 4]}}
    for id, source in sources.items():
        client.index(index=index, id=id, body=source)
    client.indices.refresh(index=index)
    everything: dict[str, Any] = {"match_all": {}}

    def by(**function: Any) -> dict[str, float]:
        query = {"query": everything, **function}
        return scores(client, index, {"function_score": query})

    factor = {"field": "n", "missing": 0}
    assert by(field_value_factor=factor) == {"b": 100.0, "d": 4.0, "a": 1.0, "c": 0.0}
    logarithm = {**factor, "modifier": "log1p", "factor": 2}
    expected = {id: 1 + math.log10(1 + 2 * n) for id, n in zip("bdac", (100, 4, 1, 0), strict=True)}
    assert by(field_value_factor=logarithm, boost_mode="sum") == close(expected)
    weights = [{"filter": {"term": {"k.keyword": "x"}}, "weight": 3}, {"weight": 2}]
    assert by(functions=weights) == {"a": 6.0, "c": 6.0, "b": 2.0, "d": 2.0}
    assert by(functions=weights, score_mode="sum") == {"a": 5.0, "c": 5.0, "b": 2.0, "d": 2.0}
    assert by(functions=weights, score_mode="max", boost=2) == {
        "a": 6.0,
        "c": 6.0,
        "b": 4.0,
        "d": 4.0,
    }
    assert by(functions=weights, score_mode="min") == dict.fromkeys("abcd", 2.0)
    assert by(functions=weights, score_mode="first") == {"a": 3.0, "c": 3.0, "b": 2.0, "d": 2.0}
    assert by(functions=weights[:1], boost_mode="replace") == {
        "a": 3.0,
        "c": 3.0,
        "b": 1.0,
        "d": 1.0,
    }
    assert by(weight=5, max_boost=2) == dict.fromkeys("abcd", 2.0)
    within = {"must": [{"function_score": {"weight": 4}}], "should": [{"term": {"n": 1}}]}
    assert scores(client, index, {"bool": within}) == {"a": 5.0, "b": 4.0, "c": 4.0, "d": 4.0}
    both = {"must": [{"function_score": {"weight": 4}}, {"term": {"n": 1}}]}
    optional = {"filter": [everything], "should": [{"bool": both}]}
    assert scores(client, index, {"bool": optional}) == {"a": 5.0, "b": 0.0, "c": 0.0, "d": 0.0}


def test_a_function_without_its_value(client: OpenSearch, index: str, refusal: Any) -> None:
    client.index(index=index, id="a", body={"n": 1}, params={"refresh": "true"})
    client.index(index=index, id="b", body={"m": 1}, params={"refresh": "true"})
    query: dict[str, Any] = {"function_score": {"field_value_factor": {"field": "n"}}}
    status, error = refusal(client.search, index=index, body={"query": query})
    assert status == 500
    assert error["root_cause"][0]["reason"] == "Missing value for field [n]"
    query["function_score"]["field_value_factor"] |= {"factor": -1, "missing": 1}
    status, error = refusal(client.search, index=index, body={"query": query})
    assert status == 400
    assert "must not produce negative scores" in error["root_cause"][0]["reason"]
