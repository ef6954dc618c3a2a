"""Both engines asked the same, answers compared whole: hits, totals, aggregations, errors."""

import random
from typing import Any

import pytest

WORDS = ("red", "blue", "shoe", "shoes", "hat", "running", "the", "of", "quick", "fox", "lamp")
MAPPINGS = {
    "properties": {
        "title": {"type": "text", "analyzer": "english", "fields": {"exact": {"type": "keyword"}}},
        "text": {"type": "text"},
        "brand": {"type": "keyword"},
        "tags": {"type": "keyword"},
        "price": {"type": "double"},
        "weight": {"type": "float"},
        "stock": {"type": "integer"},
        "added": {"type": "date"},
        "sold": {"type": "boolean"},
        "size": {"properties": {"width": {"type": "long"}}},
    }
}


def products(count: int = 80) -> dict[str, dict[str, Any]]:
    """Of few words and values, so that much ties; every field is missing somewhere."""
    draw = random.Random(5)
    found = {}
    for number in range(count):
        product = {
            "title": " ".join(draw.choices(WORDS, k=draw.randint(1, 6))),
            "text": [" ".join(draw.choices(WORDS, k=draw.randint(1, 9))) for _ in range(2)],
            "brand": draw.choice("abcde"),
            "tags": draw.sample("uvwxyz", draw.randint(1, 3)),
            "price": draw.choice((1, 2.5, 9.99, 100)),
            "weight": draw.random(),
            "stock": draw.randint(-3, 9),
            "added": f"2026-0{draw.randint(1, 9)}-15T10:00:00Z",
            "sold": draw.random() < 0.5,
            "size": {"width": draw.randint(1, 4)},
        }
        kept = {name: value for name, value in product.items() if draw.random() < 0.8}
        found[f"p{number:02}"] = kept
    return found


@pytest.fixture(scope="module")
def shop(both) -> str:
    return both.build({"mappings": MAPPINGS}, products())


MATCH = {"match": {"title": "red shoes"}}
MULTI = {"query": "red running shoes", "fields": ["title^2", "text"]}
QUERIES: list[dict[str, Any]] = [
    {"match_all": {}},
    {"match_all": {"boost": 2}},
    {"match_none": {}},
    MATCH,
    {"match": {"title": {"query": "red the shoes hat", "minimum_should_match": "75%"}}},
    {"match": {"text": {"query": "red the shoes", "operator": "and"}}},
    {"match": {"brand": "a"}},
    {"match_phrase": {"title": "running shoes"}},
    {"match_phrase": {"text": "the quick fox"}},
    {"multi_match": MULTI},
    {"multi_match": MULTI | {"tie_breaker": 0.3}},
    {"multi_match": MULTI | {"type": "most_fields"}},
    {"multi_match": MULTI | {"type": "cross_fields"}},
    {"multi_match": MULTI | {"type": "cross_fields", "fields": ["text", "title", "brand"]}},
    {"multi_match": MULTI | {"fields": ["title^2", "t*"]}},
    {"multi_match": MULTI | {"type": "cross_fields", "operator": "and"}},
    {"multi_match": MULTI | {"type": "phrase"}},
    {"multi_match": {"query": "a", "fields": ["brand", "t*"]}},
    {"term": {"brand": "b"}},
    {"term": {"brand": {"value": "b", "boost": 3}}},
    {"term": {"sold": True}},
    {"term": {"added": "2026-03-15T10:00:00Z"}},
    {"terms": {"stock": [1, 2, 3]}},
    {"terms": {"tags": ["u", "x"]}},
    {"ids": {"values": ["p03", "p01", "none"]}},
    {"exists": {"field": "size"}},
    {"range": {"price": {"gte": 2, "lt": 100}}},
    {"range": {"added": {"gt": "2026-03-15", "lte": "2026-06"}}},
    {"range": {"stock": {"gt": 2.5}}},
    {"bool": {"must": [MATCH], "filter": [{"term": {"sold": True}}]}},
    {"bool": {"must": [MATCH], "should": [{"term": {"brand": "a"}}, {"match": {"text": "fox"}}]}},
    {"bool": {"should": [MATCH, {"term": {"tags": "u"}}], "minimum_should_match": 2}},
    {"bool": {"must_not": [{"exists": {"field": "title"}}]}},
    {"bool": {"filter": [{"bool": {"should": [MATCH, {"term": {"brand": "c"}}]}}]}},
    {"dis_max": {"queries": [MATCH, {"match": {"text": "red"}}], "tie_breaker": 0.4}},
    {"constant_score": {"filter": MATCH, "boost": 1.5}},
    {
        "function_score": {
            "query": MATCH,
            "field_value_factor": {"field": "price", "modifier": "log1p", "missing": 1},
        }
    },
    {
        "function_score": {
            "query": MATCH,
            "functions": [{"filter": {"term": {"brand": "a"}}, "weight": 5}, {"weight": 2}],
            "score_mode": "sum",
            "boost_mode": "sum",
        }
    },
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries(both, shop, query):
    answer = both.compare(shop, {"query": query, "size": 100, "track_scores": True})
    assert "hits" in answer


BODIES: list[dict[str, Any]] = [
    {},
    {"from": 5, "size": 7},
    {"size": 0},
    {"timeout": "0"},
    {"timeout": "50ms"},
    {"min_score": 1.0},
    {"post_filter": {"term": {"brand": "a"}}},
    {"track_total_hits": False},
    {"track_total_hits": 3},
    {"_source": False},
    {"_source": ["title", "size.*"]},
    {"_source": {"excludes": ["t*"]}},
    {"fields": ["brand", "added", "weight"], "_source": False},
    {"docvalue_fields": ["brand", "tags", "added", "sold", "weight"], "_source": False},
    {"stored_fields": "_none_", "docvalue_fields": ["stock"]},
    {"version": True, "seq_no_primary_term": True, "size": 2},
    {"highlight": {"fields": {"title": {}, "text": {"number_of_fragments": 0}}}},
    {"sort": [{"price": "desc"}, "_score", {"brand": "asc"}]},
    {"sort": ["_score", {"weight": "asc"}]},
    {"sort": [{"_score": "asc"}]},
    {"sort": "_doc"},
    {"sort": [{"brand": {"order": "desc", "missing": "_first"}}, {"stock": "asc"}]},
    {"sort": [{"tags": {"order": "desc"}}, {"weight": {"missing": 0.5}}], "track_scores": True},
    {"sort": [{"added": "asc"}, {"weight": "asc"}], "search_after": [1773568800000, 0.5]},
    {"collapse": {"field": "brand"}},
    {"collapse": {"field": "stock"}, "from": 2, "size": 3, "_source": False},
    {"collapse": {"field": "brand"}, "sort": [{"price": "asc"}, {"weight": "desc"}]},
    {"collapse": {"field": "brand"}, "sort": [{"brand": "asc"}], "search_after": ["b"]},
    {"collapse": {"field": "brand"}, "sort": [{"_score": "asc"}]},
    {"collapse": {"field": "brand"}, "size": 0, "aggs": {"b": {"terms": {"field": "brand"}}}},
    {"collapse": {"field": "brand"}, "post_filter": {"term": {"sold": True}}, "min_score": 0.5},
]


@pytest.mark.parametrize("query", [MATCH, {"term": {"sold": True}}], ids=["scored", "equal"])
@pytest.mark.parametrize("body", BODIES, ids=str)
def test_bodies(both, shop, body, query):
    answer = both.compare(shop, {"query": query, **body})
    assert "hits" in answer


AGGREGATIONS: list[dict[str, Any]] = [
    {"terms": {"field": "brand"}},
    {"terms": {"field": "tags", "size": 2}},
    {"terms": {"field": "stock", "order": {"_key": "desc"}}},
    {"terms": {"field": "sold"}},
    {"terms": {"field": "added", "size": 3}},
    {"terms": {"field": "price"}, "aggs": {"w": {"avg": {"field": "weight"}}}},
    {
        "terms": {"field": "brand", "order": {"w": "asc"}},
        "aggs": {"w": {"max": {"field": "stock"}}},
    },
    {"range": {"field": "price", "ranges": [{"to": 2.5}, {"from": 2.5, "to": 50}, {"from": 50}]}},
    {"range": {"field": "stock", "keyed": True, "ranges": [{"key": "low", "to": 3}]}},
    {"filter": {"term": {"brand": "a"}}, "aggs": {"t": {"terms": {"field": "tags"}}}},
    {"filters": {"filters": {"a": {"term": {"brand": "a"}}, "b": MATCH}}},
    {"global": {}, "aggs": {"s": {"stats": {"field": "price"}}}},
    {"missing": {"field": "price"}},
    *({kind: {"field": "stock"}} for kind in ("min", "max", "avg", "sum", "value_count", "stats")),
    {"stats": {"field": "added"}},
    {"value_count": {"field": "tags"}},
]


@pytest.mark.parametrize("aggregation", AGGREGATIONS, ids=str)
def test_aggregations(both, shop, aggregation):
    body = {"query": MATCH, "post_filter": {"term": {"sold": True}}, "size": 1}
    answer = both.compare(shop, {**body, "aggs": {"it": aggregation}})
    assert "it" in answer["aggregations"]


ERRORS: list[dict[str, Any]] = [
    {"collapse": {"field": "tags"}},
    {"collapse": {"field": "none"}},
    {"collapse": {"field": "title"}},
    {"collapse": {"field": "sold"}},
    {"collapse": {"field": "brand", "fuzz": 1}},
    {"collapse": "brand"},
    {"collapse": {"field": "brand"}, "sort": [{"stock": "asc"}], "search_after": [1]},
    {"query": {"multi_match": MULTI | {"fields": ["text", "size.*"]}}},
    {"query": {"bool": {"must": [{"bool": {"filter": {"no_such": {}}}}]}}},
    {"query": {"bool": {"must": [{"match": {"title": {"query": "a", "operator": "x"}}}]}}},
    {"query": {"function_score": {"weight": -1}}},
    {"query": {"terms": {"brand": ["a", None]}}},
    {"highlight": {"pre_tags": ["<b>"], "fields": {"title": {}}}},
    {"sort": "none"},
    {"sort": "title"},
    {"search_after": [1]},
    {"aggs": {"x": {"terms": {"field": "title"}}}},
    {"docvalue_fields": ["title"]},
    {"from": 10_000},
]


@pytest.mark.parametrize("body", ERRORS, ids=str)
def test_errors(both, shop, body):
    assert both.compare(shop, body)["status"] >= 400


def test_a_scroll_is_not_collapsed(both, shop):
    assert both.compare(shop, {"collapse": {"field": "brand"}}, scroll="1m")["status"] == 500
