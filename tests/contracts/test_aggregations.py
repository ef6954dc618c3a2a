"""Aggregations, as the server writes their answers."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

MAPPINGS = {
    "properties": {
        "k": {"type": "keyword"},
        "n": {"type": "long"},
        "f": {"type": "double"},
        "d": {"type": "date"},
        "b": {"type": "boolean"},
        "t": {"type": "text"},
    }
}
DOCUMENTS = {
    "0": {"k": "a", "n": 1, "f": 1.5, "d": "2026-01-01", "b": True},
    "1": {"k": "b", "n": 2, "f": 2.5, "d": "2026-01-02", "b": False},
    "2": {"k": ["a", "b", "c", "a"], "n": [1, 3], "f": 4, "d": "2026-01-02", "b": True},
    "3": {"n": 10},
}


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, DOCUMENTS)


def bucket(key: Any, count: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "doc_count": count, **more}


def day(milliseconds: int, text: str, count: int) -> dict[str, Any]:
    return bucket(milliseconds, count, key_as_string=f"{text}T00:00:00.000Z")


A, B, C = bucket("a", 2), bucket("b", 2), bucket("c", 1)


@pytest.mark.parametrize(
    ("terms", "buckets", "others"),
    [
        ({"field": "k"}, [A, B, C], 0),
        ({"field": "k", "size": 1}, [A], 3),
        ({"field": "k", "order": {"_key": "desc"}}, [C, B, A], 0),
        ({"field": "k", "order": {"_count": "asc"}}, [C, A, B], 0),
        ({"field": "k", "order": [{"_count": "asc"}, {"_key": "desc"}]}, [C, B, A], 0),
        ({"field": "k", "min_doc_count": 2}, [A, B], 0),
        ({"field": "n"}, [bucket(1, 2), bucket(2, 1), bucket(3, 1), bucket(10, 1)], 0),
        ({"field": "f"}, [bucket(1.5, 1), bucket(2.5, 1), bucket(4.0, 1)], 0),
        (
            {"field": "d"},
            [day(1767312000000, "2026-01-02", 2), day(1767225600000, "2026-01-01", 1)],
            0,
        ),
        (
            {"field": "b"},
            [bucket(1, 2, key_as_string="true"), bucket(0, 1, key_as_string="false")],
            0,
        ),
        ({"field": "absent"}, [], 0),
    ],
)
def test_terms(
    client: OpenSearch, shop: str, terms: dict[str, Any], buckets: list[Any], others: int
) -> None:
    answer = client.search(index=shop, body={"size": 0, "aggs": {"it": {"terms": terms}}})
    assert answer["aggregations"]["it"] == {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": others,
        "buckets": buckets,
    }
    assert answer["hits"]["hits"] == []
    assert answer["hits"]["total"] == {"value": 4, "relation": "eq"}


@pytest.mark.parametrize(
    ("aggregation", "answer"),
    [
        ({"min": {"field": "n"}}, {"value": 1.0}),
        ({"max": {"field": "n"}}, {"value": 10.0}),
        ({"avg": {"field": "n"}}, {"value": 3.4}),
        ({"sum": {"field": "n"}}, {"value": 17.0}),
        ({"value_count": {"field": "n"}}, {"value": 5}),
        ({"value_count": {"field": "k"}}, {"value": 5}),
        (
            {"stats": {"field": "n"}},
            {"count": 5, "min": 1.0, "max": 10.0, "avg": 3.4, "sum": 17.0},
        ),
        (
            {"max": {"field": "d"}},
            {"value": 1767312000000.0, "value_as_string": "2026-01-02T00:00:00.000Z"},
        ),
        ({"max": {"field": "b"}}, {"value": 1.0, "value_as_string": "true"}),
        ({"min": {"field": "absent"}}, {"value": None}),
        ({"avg": {"field": "absent"}}, {"value": None}),
        ({"sum": {"field": "absent"}}, {"value": 0.0}),
        ({"value_count": {"field": "absent"}}, {"value": 0}),
        ({"filter": {"term": {"k": "a"}}}, {"doc_count": 2}),
        ({"filter": {"match_none": {}}}, {"doc_count": 0}),
        ({"missing": {"field": "k"}}, {"doc_count": 1}),
        ({"missing": {"field": "absent"}}, {"doc_count": 4}),
        ({"global": {}}, {"doc_count": 4}),
        (
            {"filters": {"filters": {"x": {"term": {"k": "a"}}, "y": {"match_all": {}}}}},
            {"buckets": {"x": {"doc_count": 2}, "y": {"doc_count": 4}}},
        ),
        ({"filters": {"filters": [{"term": {"k": "c"}}]}}, {"buckets": [{"doc_count": 1}]}),
        (
            {
                "range": {
                    "field": "n",
                    "ranges": [{"from": 5, "key": "big"}, {"to": 2}, {"from": 2, "to": 5}],
                }
            },
            {
                "buckets": [
                    {"key": "*-2.0", "to": 2.0, "doc_count": 2},
                    {"key": "2.0-5.0", "from": 2.0, "to": 5.0, "doc_count": 2},
                    {"key": "big", "from": 5.0, "doc_count": 1},
                ]
            },
        ),
        (
            {"range": {"field": "f", "keyed": True, "ranges": [{"to": 2.5}, {"from": 1e7}]}},
            {
                "buckets": {
                    "*-2.5": {"to": 2.5, "doc_count": 1},
                    "1.0E7-*": {"from": 1e7, "doc_count": 0},
                }
            },
        ),
    ],
)
def test_metrics_and_buckets(
    client: OpenSearch, shop: str, aggregation: dict[str, Any], answer: dict[str, Any]
) -> None:
    found = client.search(index=shop, body={"size": 0, "aggs": {"it": aggregation}})
    assert found["aggregations"] == {"it": answer}


def test_the_query_is_aggregated(client: OpenSearch, shop: str) -> None:
    body = {"query": {"term": {"k": "c"}}, "aggregations": {"n": {"sum": {"field": "n"}}}}
    assert client.search(index=shop, body=body)["aggregations"] == {"n": {"value": 4.0}}
    body["query"] = {"match_none": {}}
    answer = client.search(index=shop, body={**body, "aggs": body.pop("aggregations")})
    assert answer["aggregations"] == {"n": {"value": 0.0}}


def test_aggregations_within_buckets(client: OpenSearch, shop: str) -> None:
    inner = {"most": {"max": {"field": "n"}}, "by": {"terms": {"field": "b"}}}
    body = {"size": 0, "aggs": {"it": {"terms": {"field": "k"}, "aggs": inner}}}
    buckets = client.search(index=shop, body=body)["aggregations"]["it"]["buckets"]
    assert [(one["key"], one["most"]["value"]) for one in buckets] == [
        ("a", 3.0),
        ("b", 3.0),
        ("c", 3.0),
    ]
    assert [len(one["by"]["buckets"]) for one in buckets] == [1, 2, 1]
    nested = {"x": {"filter": {"term": {"k": "a"}}, "aggs": {"y": {"avg": {"field": "f"}}}}}
    body = {"size": 0, "aggs": {"it": {"terms": {"field": "b"}, "aggs": nested}}}
    true, false = client.search(index=shop, body=body)["aggregations"]["it"]["buckets"]
    assert true["x"] == {"doc_count": 2, "y": {"value": 2.75}}
    assert false["x"] == {"doc_count": 0, "y": {"value": None}}


def test_ordered_by_a_metric(client: OpenSearch, shop: str) -> None:
    terms = {"field": "k", "order": {"f": "asc"}, "size": 2}
    body = {"size": 0, "aggs": {"it": {"terms": terms, "aggs": {"f": {"avg": {"field": "f"}}}}}}
    found = client.search(index=shop, body=body)["aggregations"]["it"]
    assert found["buckets"] == [
        bucket("a", 2, f={"value": 2.75}),
        bucket("b", 2, f={"value": 3.25}),
    ]
    assert found["sum_other_doc_count"] == 1


def test_meta_comes_back(client: OpenSearch, shop: str) -> None:
    aggregation = {"min": {"field": "n"}, "meta": {"label": "least"}}
    found = client.search(index=shop, body={"size": 0, "aggs": {"it": aggregation}})
    assert found["aggregations"]["it"] == {"meta": {"label": "least"}, "value": 1.0}


def test_many_values(client: OpenSearch, build_index: Callable[..., str]) -> None:
    sources = {str(n): {"k": f"{n % 300:03d}"} for n in range(1000)}
    index = build_index({"mappings": {"properties": {"k": {"type": "keyword"}}}}, sources)
    body = {"size": 0, "aggs": {"it": {"terms": {"field": "k", "size": 3}}}}
    found = client.search(index=index, body=body)["aggregations"]["it"]
    assert found["buckets"] == [bucket(f"{n:03d}", 4) for n in range(3)]
    assert found["sum_other_doc_count"] == 988
