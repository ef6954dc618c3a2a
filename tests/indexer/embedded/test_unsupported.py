"""What only a server does is refused by name, wherever it stands in a request."""

from typing import Any

import pytest
from opensearchpy import OpenSearch, RequestError

QUERIES: list[tuple[dict[str, Any], str]] = [
    ({"knn": {"v": {"vector": [1], "k": 1}}}, "query knn"),
    ({"query_string": {"query": "a"}}, "query query_string"),
    ({"bool": {"filter": [{"wildcard": {"k": "a*"}}]}}, "query wildcard"),
    ({"match": {"t": {"query": "a", "fuzziness": 1}}}, "match.fuzziness"),
    ({"match": {"t": {"query": "a", "_name": "x"}}}, "match._name"),
    ({"match": {"t": {"query": "a", "analyzer": "simple"}}}, "analyzer simple"),
    ({"match_phrase": {"t": {"query": "a b", "slop": 1}}}, "match_phrase.slop"),
    (
        {"multi_match": {"query": "a", "type": "bool_prefix", "fields": ["t"]}},
        "multi_match type bool_prefix",
    ),
    ({"term": {"k": {"value": "a", "case_insensitive": True}}}, "term.case_insensitive"),
    ({"terms": {"k": {"index": "i", "id": "1", "path": "p"}}}, "terms lookup"),
    ({"term": {"_index": "a"}}, "field _index"),
    ({"range": {"d": {"gte": "now-1d"}}}, "date math"),
    ({"range": {"d": {"gte": "2026-01-01||/M"}}}, "date math"),
    ({"range": {"d": {"gte": "2026-01-01", "time_zone": "+01:00"}}}, "range.time_zone"),
    ({"range": {"k": {"gte": "a"}}}, "range on a field of type keyword"),
    ({"bool": {"must": [], "_name": "x"}}, "bool._name"),
    ({"function_score": {"random_score": {}}}, "function_score.random_score"),
    ({"function_score": {"min_score": 1}}, "function_score.min_score"),
    (
        {"function_score": {"field_value_factor": {"field": "d"}}},
        "field_value_factor on a field of type date",
    ),
]
BODIES: list[tuple[dict[str, Any], str]] = [
    ({"collapse": {"field": "k", "inner_hits": {"name": "x"}}}, "collapse.inner_hits"),
    ({"rescore": []}, "rescore"),
    ({"suggest": {}}, "suggest"),
    ({"explain": True}, "explain"),
    ({"profile": True}, "profile"),
    ({"ext": {"x": 1}}, "ext"),
    ({"stored_fields": ["t"]}, "stored_fields"),
    ({"docvalue_fields": [{"field": "n", "format": "#.0"}]}, "docvalue_fields.format on a field"),
    ({"sort": [{"_geo_distance": {}}]}, "sort by _geo_distance"),
    ({"sort": [{"n": {"mode": "sum"}}]}, "sort.mode sum"),
    ({"sort": [{"n": {"nested": {}}}]}, "sort.nested"),
    ({"aggs": {"x": {"date_histogram": {"field": "d"}}}}, "aggregation date_histogram"),
    ({"aggs": {"x": {"terms": {"field": "k", "include": "a.*"}}}}, "terms.include"),
    ({"aggs": {"x": {"terms": {"field": "k", "min_doc_count": 0}}}}, "terms.min_doc_count 0"),
    ({"aggs": {"x": {"avg": {"field": "n", "missing": 0}}}}, "avg.missing"),
    (
        {"aggs": {"x": {"range": {"field": "d", "ranges": [{"to": 1}]}}}},
        "range aggregation on a field of type date",
    ),
    ({"aggs": {"x": {"filters": {"filters": [], "other_bucket": True}}}}, "filters.other_bucket"),
    ({"highlight": {"fields": {"t": {"type": "plain"}}}}, "highlight.type plain"),
    ({"highlight": {"fields": {"t": {"no_match_size": 9}}}}, "highlight.no_match_size"),
    ({"highlight": {"order": "score", "fields": {"t": {}}}}, "highlight.order score"),
]
MAPPINGS: list[tuple[dict[str, Any], str]] = [
    ({"properties": {"z": {"type": "knn_vector"}}}, "field type knn_vector"),
    ({"properties": {"z": {"type": "nested"}}}, "field type nested"),
    ({"properties": {"z": {"type": "text", "analyzer": "german"}}}, "analyzer german"),
    ({"properties": {"z": {"type": "text", "copy_to": "t"}}}, "mapping parameter copy_to"),
    ({"properties": {"z": {"type": "long", "coerce": False}}}, "mapping parameter coerce"),
    ({"properties": {"z": {"type": "date", "format": "E"}}}, "date format E"),
    ({"dynamic_templates": []}, "mapping parameter dynamic_templates"),
    ({"_source": {"enabled": False}}, "mapping parameter _source"),
    ({"dynamic": "strict_allow_templates"}, "dynamic strict_allow_templates"),
]
FIELDS = {"t": "text", "k": "keyword", "n": "long", "d": "date"}


@pytest.fixture
def index(client: OpenSearch) -> str:
    properties = {name: {"type": type} for name, type in FIELDS.items()}
    client.indices.create(index="products", body={"mappings": {"properties": properties}})
    client.index(index="products", id="1", body={"t": "a"}, params={"refresh": "true"})
    return "products"


def named(what: str) -> str:
    refusal = "is not supported by the embedded engine; use an OpenSearch server"
    return rf"\[(parameter )?{what}.*\] {refusal}"


@pytest.mark.parametrize(("query", "what"), QUERIES)
def test_queries(client: OpenSearch, index: str, query: dict[str, Any], what: str) -> None:
    with pytest.raises(RequestError, match=named(what)) as raised:
        client.search(index=index, body={"query": query})
    assert raised.value.error == "illegal_argument_exception"


@pytest.mark.parametrize(("body", "what"), BODIES)
def test_bodies(client: OpenSearch, index: str, body: dict[str, Any], what: str) -> None:
    with pytest.raises(RequestError, match=named(what)):
        client.search(index=index, body=body)


@pytest.mark.parametrize("name", ["q", "df", "terminate_after", "typed_keys", "search_pipeline"])
def test_url_parameters(client: OpenSearch, index: str, name: str) -> None:
    with pytest.raises(RequestError, match=named(name)):
        client.search(index=index, body={}, params={name: "1"})


@pytest.mark.parametrize(("mapping", "what"), MAPPINGS)
def test_mappings(client: OpenSearch, index: str, mapping: dict[str, Any], what: str) -> None:
    with pytest.raises(RequestError, match=named(what)):
        client.indices.put_mapping(index=index, body=mapping)
