"""Which documents each query finds, and with which constant scores."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

Find = Callable[[dict[str, Any]], list[str]]

MAPPINGS = {
    "properties": {
        "title": {"type": "text", "analyzer": "english"},
        "text": {"type": "text"},
        "brand": {"type": "keyword"},
        "price": {"type": "double"},
        "weight": {"type": "float"},
        "stock": {"type": "integer"},
        "added": {"type": "date"},
        "sold": {"type": "boolean"},
        "size": {"properties": {"width": {"type": "long"}}},
    }
}
DOCUMENTS = {
    "a": {
        "title": "The red shoes",
        "text": "quick brown fox",
        "brand": "Acme",
        "price": 10.5,
        "weight": 0.1,
        "stock": 3,
        "added": "2026-01-02T10:00:00Z",
        "sold": True,
    },
    "b": {
        "title": "A blue shoe",
        "text": ["quick red", "fox brown"],
        "brand": ["Zeta", "Acme Inc"],
        "price": 20,
        "stock": [1, 7],
        "added": "2026-01-03",
        "sold": False,
    },
    "c": {"title": "End of the line", "stock": -5, "size": {"width": 4}},
    "d": {"brand": "", "price": 1e3, "added": 1767225600000},
}


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, DOCUMENTS)


@pytest.fixture
def find(client: OpenSearch, shop: str) -> Find:
    def ids(query: dict[str, Any]) -> list[str]:
        found = client.search(index=shop, body={"query": query})["hits"]
        assert found["total"] == {"value": len(found["hits"]), "relation": "eq"}
        count = client.count(index=shop, body={"query": query})["count"]
        assert count == len(found["hits"])
        return sorted(hit["_id"] for hit in found["hits"])

    return ids


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"match": {"title": "shoe"}}, "ab"),
        ({"match": {"title": "SHOES red"}}, "ab"),
        ({"match": {"title": {"query": "shoes red", "operator": "and"}}}, "a"),
        ({"match": {"title": {"query": "shoes red", "operator": "AND"}}}, "a"),
        ({"match": {"title": {"query": "red blue shoe", "minimum_should_match": 2}}}, "ab"),
        ({"match": {"title": {"query": "red blue shoe", "minimum_should_match": "100%"}}}, ""),
        ({"match": {"title": {"query": "red blue shoe", "minimum_should_match": "-1"}}}, "ab"),
        ({"match": {"title": {"query": "red blue shoe", "minimum_should_match": "2<50%"}}}, "ab"),
        ({"match": {"title": {"query": "shoe", "minimum_should_match": 2}}}, "ab"),
        ({"match": {"title": {"query": "nothing shoe", "minimum_should_match": 2}}}, ""),
        ({"match": {"title": "the of"}}, ""),
        ({"match": {"title": {"query": "the", "zero_terms_query": "all"}}}, "abcd"),
        ({"match": {"text": "the"}}, ""),
        ({"match": {"brand": "Acme"}}, "a"),
        ({"match": {"brand": "acme"}}, ""),
        ({"match": {"stock": "7"}}, "b"),
        ({"match": {"sold": "true"}}, "a"),
        ({"match": {"absent": "shoe"}}, ""),
        ({"match": {"title": {"query": "shoes", "analyzer": "standard"}}}, ""),
        ({"match_all": {}}, "abcd"),
        ({"match_none": {}}, ""),
    ],
)
def test_match(find: Find, query: dict[str, Any], found: str) -> None:
    assert find(query) == list(found)


@pytest.mark.parametrize(
    ("phrase", "field", "found"),
    [
        ("quick brown", "text", "a"),
        ("brown quick", "text", ""),
        ("red fox", "text", ""),  # the values of a field lie apart
        ("fox brown", "text", "b"),
        ("end of the line", "title", "c"),
        ("end in a line", "title", "c"),  # stop words leave holes, whichever they were
        ("end line", "title", ""),
        ("end the line", "title", ""),
        ("the line", "title", "c"),
        ("shoe", "title", "ab"),
        ("the", "title", ""),
        ("Acme Inc", "brand", "b"),
    ],
)
def test_match_phrase(find: Find, phrase: str, field: str, found: str) -> None:
    assert find({"match_phrase": {field: phrase}}) == list(found)
    assert find({"match_phrase": {field: {"query": phrase, "slop": 0}}}) == list(found)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"query": "red", "fields": ["title", "text"]}, "ab"),
        ({"query": "red", "fields": ["title^3"]}, "a"),
        ({"query": "red", "fields": "t*"}, "ab"),
        ({"query": "red fox", "fields": ["title", "text"], "operator": "and"}, "b"),
        (
            {
                "query": "red fox",
                "fields": ["title", "text"],
                "operator": "and",
                "type": "most_fields",
            },
            "b",
        ),
        ({"query": "Acme", "fields": ["title", "brand"]}, "a"),
        ({"query": "quick brown", "fields": ["title", "text"], "type": "phrase"}, "a"),
        ({"query": "7", "fields": ["*"]}, "b"),
        ({"query": "red"}, "ab"),
        ({"query": "red", "fields": ["absent"]}, ""),
        ({"query": "red", "fields": ["title", "absent"]}, "a"),
    ],
)
def test_multi_match(find: Find, arguments: dict[str, Any], found: str) -> None:
    assert find({"multi_match": arguments}) == list(found)


def test_cross_fields_finds_the_terms_in_any_field(client: OpenSearch, index: str) -> None:
    fields = {name: {"type": "text"} for name in ("first", "last")}
    client.indices.create(index=index, body={"mappings": {"properties": fields}})
    client.index(index=index, id="1", body={"first": "will", "last": "smith"})
    client.index(index=index, id="2", body={"first": "smith", "last": "jones"})
    client.indices.refresh(index=index)
    query = {
        "query": "will smith",
        "type": "cross_fields",
        "operator": "and",
        "fields": ["first", "last"],
    }
    found = client.search(index=index, body={"query": {"multi_match": query}})["hits"]["hits"]
    assert [hit["_id"] for hit in found] == ["1"]
    del query["operator"]
    query["minimum_should_match"] = "50%"
    found = client.search(index=index, body={"query": {"multi_match": query}})["hits"]["hits"]
    assert sorted(hit["_id"] for hit in found) == ["1", "2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"term": {"brand": "Acme"}}, "a"),
        ({"term": {"brand": {"value": "Acme Inc"}}}, "b"),
        ({"term": {"brand": ""}}, "d"),
        ({"term": {"title": "shoe"}}, "ab"),
        ({"term": {"title": "shoes"}}, ""),
        ({"term": {"price": 10.5}}, "a"),
        ({"term": {"price": "20"}}, "b"),
        ({"term": {"weight": 0.1}}, "a"),
        ({"term": {"stock": 7}}, "b"),
        ({"term": {"stock": -5}}, "c"),
        ({"term": {"stock": 1.5}}, ""),
        ({"term": {"sold": True}}, "a"),
        ({"term": {"sold": "false"}}, "b"),
        ({"term": {"added": "2026-01-02"}}, "a"),
        ({"term": {"added": "2026-01-02T10:00:00+00:00"}}, "a"),
        ({"term": {"added": 1767225600000}}, "d"),
        ({"term": {"size.width": 4}}, "c"),
        ({"term": {"absent": 1}}, ""),
        ({"term": {"_id": "c"}}, "c"),
        ({"terms": {"brand": ["Acme", "Zeta", "none"]}}, "ab"),
        ({"terms": {"brand": []}}, ""),
        ({"terms": {"stock": [3, 7, "-5", 8.5]}}, "abc"),
        ({"terms": {"stock": list(range(1000))}}, "ab"),
        ({"terms": {"price": [20, 1000.0]}}, "bd"),
        ({"terms": {"title": ["red", "line"]}}, "ac"),
        ({"terms": {"added": ["2026-01-03", "2026-01-01"]}}, "bd"),
        ({"terms": {"_id": ["a", "d", "z"]}}, "ad"),
        ({"ids": {"values": ["b", "z"]}}, "b"),
        ({"ids": {"values": "b"}}, "b"),
        ({"ids": {"values": []}}, ""),
        ({"exists": {"field": "title"}}, "abc"),
        ({"exists": {"field": "text"}}, "ab"),
        ({"exists": {"field": "brand"}}, "abd"),
        ({"exists": {"field": "price"}}, "abd"),
        ({"exists": {"field": "size"}}, "c"),
        ({"exists": {"field": "size.width"}}, "c"),
        ({"exists": {"field": "absent"}}, ""),
    ],
)
def test_exact_values(find: Find, query: dict[str, Any], found: str) -> None:
    assert find(query) == list(found)


@pytest.mark.parametrize(
    ("field", "bounds", "found"),
    [
        ("price", {"gte": 10.5}, "abd"),
        ("price", {"gt": 10.5}, "bd"),
        ("price", {"lt": 20, "gte": "10"}, "a"),
        ("price", {"lte": 20}, "ab"),
        ("price", {}, "abd"),
        ("price", {"gte": None}, "abd"),
        ("stock", {"gt": 0.5, "lt": 3.5}, "ab"),
        ("stock", {"gte": 3.5}, "b"),
        ("stock", {"gt": 3, "lt": 7}, ""),
        ("stock", {"lt": -4.5}, "c"),
        ("weight", {"gte": 0.1, "lte": 0.1}, "a"),
        ("weight", {"gt": 0.1}, ""),
        ("added", {"gte": "2026-01-02", "lt": "2026-01-03"}, "a"),
        ("added", {"gt": "2026-01-02"}, "b"),  # the day is rounded up to its end
        ("added", {"lte": "2026-01-02"}, "ad"),
        ("added", {"lte": "2026"}, "d"),
        ("added", {"gt": "2026-01-02T09:59:59Z", "lt": "2026-01-02T10:00:01Z"}, "a"),
        ("added", {"gte": 1767225600000, "lte": 1767225600000}, "d"),
        ("added", {"gte": "03/01/2026", "format": "dd/MM/yyyy"}, "b"),
        ("added", {"gte": "2026-01-02T11:30:00+01:00"}, "b"),
        ("absent", {"gte": 1}, ""),
    ],
)
def test_range(find: Find, field: str, bounds: dict[str, Any], found: str) -> None:
    assert find({"range": {field: bounds}}) == list(found)


RED, BLUE, SHOE = ({"match": {"title": word}} for word in ("red", "blue", "shoe"))


@pytest.mark.parametrize(
    ("clauses", "found"),
    [
        ({}, "abcd"),
        ({"must": [SHOE, RED]}, "a"),
        ({"must": SHOE}, "ab"),
        ({"should": [RED, BLUE]}, "ab"),
        ({"should": [RED, BLUE, SHOE], "minimum_should_match": 2}, "ab"),
        ({"should": [RED, BLUE], "minimum_should_match": 2}, ""),
        ({"should": [RED, BLUE], "minimum_should_match": 0}, "ab"),
        ({"should": [RED], "minimum_should_match": "-100%"}, "a"),
        ({"should": [RED], "must": [SHOE]}, "ab"),
        ({"should": [RED], "must": [SHOE], "minimum_should_match": 1}, "a"),
        ({"should": [RED], "filter": [SHOE]}, "ab"),
        ({"filter": {"term": {"sold": True}}}, "a"),
        ({"must_not": [SHOE]}, "cd"),
        (
            {
                "must_not": [{"terms": {"stock": [3, -5]}}],
                "filter": [{"exists": {"field": "stock"}}],
            },
            "b",
        ),
        ({"must": [SHOE], "must_not": {"match_all": {}}}, ""),
        ({"must": [{"match_none": {}}], "should": [SHOE]}, ""),
        ({"must": [{"bool": {"must_not": [RED]}}, SHOE]}, "b"),
    ],
)
def test_bool(find: Find, clauses: dict[str, Any], found: str) -> None:
    assert find({"bool": clauses}) == list(found)


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ({"match_all": {}}, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}),
        ({"match_all": {"boost": 2.5}}, {"a": 2.5, "b": 2.5, "c": 2.5, "d": 2.5}),
        ({"term": {"brand": "Acme"}}, {"a": 1.0}),
        ({"term": {"brand": {"value": "Acme", "boost": 3}}}, {"a": 3.0}),
        ({"match": {"brand": {"query": "Acme", "boost": 0.5}}}, {"a": 0.5}),
        ({"term": {"stock": {"value": 3, "boost": 2}}}, {"a": 2.0}),
        ({"terms": {"title": ["red"], "boost": 2}}, {"a": 2.0}),
        ({"range": {"price": {"gt": 11, "boost": 4}}}, {"b": 4.0, "d": 4.0}),
        ({"exists": {"field": "size", "boost": 2}}, {"c": 2.0}),
        ({"ids": {"values": ["a"], "boost": 2}}, {"a": 2.0}),
        ({"constant_score": {"filter": RED}}, {"a": 1.0}),
        ({"constant_score": {"filter": RED, "boost": 7}}, {"a": 7.0}),
        ({"bool": {"filter": [RED]}}, {"a": 0.0}),
        ({"bool": {"must_not": [{"exists": {"field": "brand"}}]}}, {"c": 0.0}),
        ({"bool": {"filter": [RED], "must": [{"match_all": {}}], "boost": 2}}, {"a": 2.0}),
        (
            {"bool": {"filter": [SHOE], "should": [{"term": {"brand": "Acme"}}]}},
            {"a": 1.0, "b": 0.0},
        ),
        (
            {
                "dis_max": {
                    "queries": [{"term": {"brand": "Acme"}}, {"term": {"stock": 3}}],
                    "tie_breaker": 0.5,
                    "boost": 2,
                }
            },
            {"a": 3.0},
        ),
        (
            {"dis_max": {"queries": [{"term": {"brand": "Acme"}}, {"term": {"stock": 3}}]}},
            {"a": 1.0},
        ),
    ],
)
def test_scores_that_need_no_statistics(
    client: OpenSearch, shop: str, query: dict[str, Any], scores: dict[str, float]
) -> None:
    hits = client.search(index=shop, body={"query": query})["hits"]
    assert {hit["_id"]: hit["_score"] for hit in hits["hits"]} == scores
    assert [hit["_id"] for hit in hits["hits"]] == list(scores)
    assert hits["max_score"] == max(scores.values())
