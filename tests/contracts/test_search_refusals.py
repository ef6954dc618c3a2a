"""What is malformed is refused, with the server's status and type of error."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

MAPPINGS = {
    "properties": {
        "t": {"type": "text"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "d": {"type": "date"},
        "b": {"type": "boolean"},
        "x": {"type": "text", "index": False},
    }
}


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, {"1": {"n": 1}})


@pytest.mark.parametrize(
    ("query", "type"),
    [
        ({"unknown": {}}, "parsing_exception"),
        ({}, "illegal_argument_exception"),
        ({"match_all": {}, "term": {"k": "x"}}, "parsing_exception"),
        ({"match_all": {"fuzz": 1}}, "parsing_exception"),
        ({"match": {}}, "parsing_exception"),
        ({"match": {"t": None}}, "parsing_exception"),
        ({"match": {"t": {"query": "a", "fuzz": 1}}}, "parsing_exception"),
        ({"match": {"t": "a", "k": "b"}}, "parsing_exception"),
        ({"match": {"t": {"query": "a b", "operator": "nor"}}}, "illegal_argument_exception"),
        ({"match": {"n": "many"}}, "search_phase_execution_exception"),
        ({"match_phrase": {"t": {"query": "a", "fuzz": 1}}}, "parsing_exception"),
        ({"multi_match": {"fields": ["t"]}}, "parsing_exception"),
        ({"multi_match": {"query": "a", "type": "odd"}}, "parse_exception"),
        ({"multi_match": {"query": "a", "fuzz": 1}}, "parsing_exception"),
        ({"multi_match": {"query": "a", "fields": ["n"]}}, "search_phase_execution_exception"),
        ({"term": {"k": {"value": "x", "fuzz": 1}}}, "parsing_exception"),
        ({"term": {"k": None}}, "illegal_argument_exception"),
        ({"term": {"k": ["x"]}}, "parsing_exception"),
        ({"term": {"n": "many"}}, "search_phase_execution_exception"),
        ({"term": {"n": 1 << 40}}, "search_phase_execution_exception"),
        ({"term": {"b": "maybe"}}, "search_phase_execution_exception"),
        ({"term": {"x": "word"}}, "search_phase_execution_exception"),
        ({"terms": {"k": "x"}}, "parsing_exception"),
        ({"terms": {"k": ["x"], "n": [1]}}, "parsing_exception"),
        ({"terms": {"n": [1, "many"]}}, "search_phase_execution_exception"),
        ({"terms": {"n": list(range(65_537))}}, "search_phase_execution_exception"),
        ({"ids": {"values": ["1"], "fuzz": 1}}, "parsing_exception"),
        ({"exists": {}}, "parsing_exception"),
        ({"range": {"n": {"above": 1}}}, "parsing_exception"),
        ({"range": {"n": {"gt": 1, "gte": 1}}}, "parsing_exception"),
        ({"range": {"n": {"gt": "many"}}}, "search_phase_execution_exception"),
        ({"range": {"d": {"gt": "soon"}}}, "search_phase_execution_exception"),
        ({"bool": {"may": []}}, "x_content_parse_exception"),
        ({"bool": {"must": [{"unknown": {}}]}}, "x_content_parse_exception"),
        ({"constant_score": {}}, "parsing_exception"),
        ({"dis_max": {}}, "parsing_exception"),
        ({"function_score": {"fuzz": 1}}, "parsing_exception"),
        ({"function_score": {"functions": [{}]}}, "parsing_exception"),
    ],
)
def test_queries(
    client: OpenSearch, shop: str, refusal: Any, query: dict[str, Any], type: str
) -> None:
    status, error = refusal(client.search, index=shop, body={"query": query})
    assert (status, error["type"]) == (400, type)


@pytest.mark.parametrize(
    ("body", "type"),
    [
        ({"unknown": 1}, "parsing_exception"),
        ({"query": []}, "parsing_exception"),
        ({"query": "red"}, "parsing_exception"),
        ({"size": -1}, "illegal_argument_exception"),
        ({"from": -1}, "illegal_argument_exception"),
        ({"size": "many"}, "number_format_exception"),
        ({"size": 10_001}, "search_phase_execution_exception"),
        ({"from": 9_999, "size": 2}, "search_phase_execution_exception"),
        ({"_source": {"only": 1}}, "parsing_exception"),
        ({"docvalue_fields": ["t"]}, "search_phase_execution_exception"),
        ({"aggs": {"x": {}}}, "parsing_exception"),
        ({"aggs": {"x": {"unknown": {}}}}, "parsing_exception"),
        ({"aggs": {"x": {"terms": {"field": "k", "fuzz": 1}}}}, "x_content_parse_exception"),
        ({"aggs": {"x": {"terms": {"field": "k", "size": 0}}}}, "x_content_parse_exception"),
        ({"aggs": {"x": {"terms": {"field": "t"}}}}, "search_phase_execution_exception"),
        ({"aggs": {"x": {"min": {"field": "k"}}}}, "search_phase_execution_exception"),
    ],
)
def test_bodies(
    client: OpenSearch, shop: str, refusal: Any, body: dict[str, Any], type: str
) -> None:
    status, error = refusal(client.search, index=shop, body=body)
    assert (status, error["type"]) == (400, type)


def test_the_window_says_its_size(client: OpenSearch, shop: str, refusal: Any) -> None:
    _, error = refusal(client.search, index=shop, body={"from": 9_999, "size": 10})
    assert error["root_cause"][0]["type"] == "illegal_argument_exception"
    assert "less than or equal to: [10000] but was [10009]" in error["root_cause"][0]["reason"]


def test_url_parameters(client: OpenSearch, shop: str, refusal: Any) -> None:
    for params in ({"unknown": "1"}, {"size": "many"}):
        status, error = refusal(client.search, index=shop, body={}, params=params)
        assert (status, error["type"]) == (400, "illegal_argument_exception")


def test_count_takes_a_query_alone(client: OpenSearch, shop: str, refusal: Any) -> None:
    status, error = refusal(client.count, index=shop, body={"size": 1})
    assert (status, error["type"]) == (400, "parsing_exception")
