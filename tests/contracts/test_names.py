"""No silent guess: each name that OpenSearch 3.6 knows is served alike, or refused by that name.

The server itself says of each that it is one.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from dsl_names import AGGREGATIONS, KEYS, QUERIES

# A server says once, by a header, that it would rather have another name.
pytestmark = pytest.mark.filterwarnings("ignore::opensearchpy.exceptions.OpenSearchWarning")

SERVED_QUERIES: dict[str, Any] = {
    "bool": {"must_not": [{"term": {"k": "a"}}]},
    "constant_score": {"filter": {"term": {"k": "a"}}},
    "dis_max": {"queries": [{"term": {"k": "a"}}]},
    "exists": {"field": "n"},
    "function_score": {"query": {"match": {"t": "red"}}, "weight": 2},
    "ids": {"values": ["1"]},
    "match": {"t": "red"},
    "match_all": {},
    "match_none": {},
    "match_phrase": {"t": "red hat"},
    "multi_match": {"query": "red", "fields": ["t"]},
    "range": {"n": {"gte": 2}},
    "term": {"k": "a"},
    "terms": {"k": ["a", "b"]},
}
SERVED_AGGREGATIONS: dict[str, Any] = {
    "filter": {"term": {"k": "a"}},
    "filters": {"filters": {"a": {"term": {"k": "a"}}}},
    "global": {},
    "missing": {"field": "n"},
    "range": {"field": "n", "ranges": [{"from": 2}]},
    "terms": {"field": "k"},
    **{kind: {"field": "n"} for kind in ("avg", "max", "min", "stats", "sum", "value_count")},
}
SERVED_KEYS: dict[str, Any] = {
    "_source": ["t"],
    "aggregations": {"it": {"terms": {"field": "k"}}},
    "aggs": {"it": {"terms": {"field": "k"}}},
    "collapse": {"field": "k"},
    "docvalue_fields": ["n"],
    "explain": False,
    "ext": {},
    "fields": ["k"],
    "from": 1,
    "highlight": {"fields": {"t": {}}},
    "min_score": 0.1,
    "post_filter": {"term": {"k": "a"}},
    "profile": False,
    "query": {"match": {"t": "red"}},
    "seq_no_primary_term": True,
    "size": 1,
    "sort": [{"n": "desc"}],
    "stats": ["shop"],
    "stored_fields": "_none_",
    "timeout": "10s",
    "track_scores": True,
    "track_total_hits": 1,
    "version": True,
}
EXAMPLES = [
    *({"query": {name: body}} for name, body in SERVED_QUERIES.items()),
    *({"aggs": {"it": {name: body}}} for name, body in SERVED_AGGREGATIONS.items()),
    *({key: value} for key, value in SERVED_KEYS.items()),
]
ODD = (None, 5, "x", [], {})
PAIRED = {"search_after": ({"sort": [{"n": "asc"}]}, [1])}  # keys that need another one
UNKNOWN = ("unknown query", "Unknown aggregation type", "Unknown key", "no [query] registered")


@pytest.fixture(scope="module")
def shop(both) -> str:
    types = {"t": "text", "k": "keyword", "n": "integer"}
    sources = {
        "1": {"t": "red hat", "k": "a", "n": 1},
        "2": {"t": "red red shoe", "k": "a", "n": 2},
        "3": {"t": "blue shoe", "k": "b", "n": 3},
        "4": {"t": "red"},
    }
    mappings = {"properties": {name: {"type": type} for name, type in types.items()}}
    return both.build({"mappings": mappings}, sources)


@pytest.fixture
def refused(both, shop, refusal):
    """400 by name of the embedded engine, for what a server knows: `refused(body, "query knn")`."""

    def check(body: dict[str, Any], what: str) -> None:
        status, error = refusal(both.embedded.search, index=shop, body=body)
        assert (status, error["type"]) == (400, "illegal_argument_exception")
        sentence = "is not supported by the embedded engine; use an OpenSearch server"
        assert error["reason"] == f"[{what}] {sentence}"

    return check


@pytest.fixture
def known(both, shop):
    """Whether the server knows a name: what else it has to say of an empty value is its own."""

    def check(body: dict[str, Any]) -> bool:
        reason = both.reason(both.server, shop, body)
        return not any(words in reason for words in UNKNOWN)

    return check


@pytest.mark.parametrize("name", QUERIES)
def test_queries(both, shop, refused, known, name):
    assert known({"query": {name: {}}})
    if name in SERVED_QUERIES:
        assert "hits" in both.compare(shop, {"query": {name: SERVED_QUERIES[name]}})
    else:
        refused({"query": {name: {}}}, f"query {name}")
        refused({"query": {"bool": {"filter": [{name: {}}]}}}, f"query {name}")


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_aggregations(both, shop, refused, known, name):
    assert known({"aggs": {"it": {name: {}}}})
    if name in SERVED_AGGREGATIONS:
        body = {"aggs": {"it": {name: SERVED_AGGREGATIONS[name]}}}
        assert "aggregations" in both.compare(shop, body)
    else:
        inner = {"aggs": {"it": {name: {}}}}
        refused(inner, f"aggregation {name}")
        refused({"aggs": {"all": {"terms": {"field": "k"}, **inner}}}, f"aggregation {name}")


@pytest.mark.parametrize("name", KEYS)
def test_keys(both, shop, refused, known, name):
    assert any(known({name: value}) for value in ({}, [], 1, True, "x"))
    if name in SERVED_KEYS:
        body = {"query": {"match": {"t": "red"}}, name: SERVED_KEYS[name]}
        assert "hits" in both.compare(shop, body)
    elif name in PAIRED:
        beside, value = PAIRED[name]
        assert "hits" in both.compare(shop, {**beside, name: value})
    else:
        for value in ({"x": {}}, [{"x": 1}], 1, True, "x"):
            refused({name: value}, name)


@pytest.mark.parametrize("name", ["explain", "profile", "ext"])
def test_keys_that_ask_for_something(refused, name):
    refused({name: {"x": 1} if name == "ext" else True}, name)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"no_such": {}}},
        {"aggs": {"it": {"no_such": {}}}},
        {"no_such": 1},
        {"point_in_time": {}},
        {"query": {"pinned": {}}},
    ],
    ids=str,
)
def test_what_no_server_knows(both, shop, body):
    assert both.compare(shop, body)["type"] == "parsing_exception"


@pytest.mark.parametrize("body", EXAMPLES, ids=str)
def test_values_that_make_no_sense(both, shop, body):
    """What the server refuses is refused too, not guessed at; the type of error may be another."""
    for odd in with_odd_values(body):
        if both.reason(both.server, shop, odd):
            assert both.reason(both.embedded, shop, odd), odd


def with_odd_values(value: Any) -> Iterator[Any]:
    """Copies of a JSON value, in each something else at one place inside it."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        changed = [*ODD, *(with_odd_values(inner) if isinstance(inner, dict | list) else ())]
        for other in changed:
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy
