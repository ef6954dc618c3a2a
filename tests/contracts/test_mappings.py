"""Mappings: what they accept, how documents grow them, what they refuse."""

from typing import Any

import pytest
from opensearchpy import OpenSearch

KEYWORD_BESIDE_TEXT = {
    "type": "text",
    "fields": {"keyword": {"type": "keyword", "ignore_above": 256}},
}


CONFLICT = "Mapper for [{}] conflicts with existing mapper:\n\t"


def properties(client: OpenSearch, index: str) -> dict[str, Any]:
    mappings = client.indices.get_mapping(index=index)[index]["mappings"]
    found: dict[str, Any] = mappings.get("properties", {})
    return found


@pytest.mark.parametrize(
    ("value", "definition"),
    [
        ("red", KEYWORD_BESIDE_TEXT),
        ("2026", KEYWORD_BESIDE_TEXT),
        ("a-b", KEYWORD_BESIDE_TEXT),
        (3, {"type": "long"}),
        (1.5, {"type": "float"}),
        (True, {"type": "boolean"}),
        ("2026-01-02", {"type": "date"}),
        ("2026-01-02T03:04:05Z", {"type": "date"}),
        ([None, 3], {"type": "long"}),
        ({"inner": 3}, {"properties": {"inner": {"type": "long"}}}),
        ([{"inner": 3}, {"inner": 4}], {"properties": {"inner": {"type": "long"}}}),
        ({}, {"type": "object"}),
        (None, None),
        ([], None),
    ],
)
def test_a_new_field_is_mapped_by_its_value(
    client: OpenSearch, index: str, value: Any, definition: dict[str, Any] | None
) -> None:
    client.index(index=index, id="1", body={"field": value})
    assert properties(client, index).get("field") == definition


def test_a_new_field_can_be_searched_after_a_refresh(client: OpenSearch, index: str) -> None:
    client.index(index=index, id="1", body={"one": "red"}, params={"refresh": "true"})
    client.index(index=index, id="2", body={"two.three": "red"}, params={"refresh": "true"})
    for field, id in (("one", "1"), ("two.three", "2"), ("two.three.keyword", "2")):
        found = client.search(index=index, body={"query": {"match": {field: "red"}}})
        assert [hit["_id"] for hit in found["hits"]["hits"]] == [id]


def test_put_mapping_adds_fields(client: OpenSearch, index: str) -> None:
    body = {"mappings": {"properties": {"title": {"type": "text"}, "o": {"properties": {}}}}}
    client.indices.create(index=index, body=body)
    more = {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "o": {"properties": {"n": {"type": "integer"}}},
        "brand": {"type": "keyword", "ignore_above": 5},
    }
    client.indices.put_mapping(index=index, body={"properties": more})
    client.indices.put_mapping(index=index, body={"_meta": {"maker": "us"}})
    assert properties(client, index) == more
    assert client.indices.get_mapping(index=index)[index]["mappings"]["_meta"] == {"maker": "us"}


@pytest.mark.parametrize(
    ("body", "type", "reason"),
    [
        (
            {"properties": {"t": {"type": "keyword"}}},
            "illegal_argument_exception",
            "mapper [t] cannot be changed from type [text] to [keyword]",
        ),
        (
            {"properties": {"t": {"type": "text", "analyzer": "english"}}},
            "illegal_argument_exception",
            CONFLICT.format("t") + "Cannot update parameter [analyzer] from [default] to [english]",
        ),
        (
            {"properties": {"k": {"type": "keyword", "index": False}}},
            "illegal_argument_exception",
            CONFLICT.format("k") + "Cannot update parameter [index] from [true] to [false]",
        ),
        (
            {"properties": {"o": {"type": "text"}}},
            "illegal_argument_exception",
            "can't merge a non object mapping [o] with an object mapping",
        ),
        (
            {"properties": {"t": {"properties": {"n": {"type": "long"}}}}},
            "illegal_argument_exception",
            "can't merge a non object mapping [t] with an object mapping",
        ),
        (
            {"properties": {"z": {"type": "odd"}}},
            "mapper_parsing_exception",
            "No handler for type [odd] declared on field [z]",
        ),
        ({"properties": {"z": {}}}, "mapper_parsing_exception", "No type specified for field [z]"),
        (
            {"properties": {"z": {"type": "text", "odd": 1}}},
            "mapper_parsing_exception",
            "unknown parameter [odd] on mapper [z] of type [text]",
        ),
        (
            {"properties": {"z": {"type": "text", "analyzer": "odd"}}},
            "illegal_argument_exception",
            "analyzer [odd] has not been configured in mappings",
        ),
        (
            {"odd": 1},
            "mapper_parsing_exception",
            "Root mapping definition has unsupported parameters:  [odd : 1]",
        ),
    ],
)
def test_put_mapping_refusals(
    client: OpenSearch, index: str, refusal: Any, body: dict[str, Any], type: str, reason: str
) -> None:
    fields = {
        "t": {"type": "text"},
        "k": {"type": "keyword"},
        "o": {"properties": {"n": {"type": "long"}}},
    }
    client.indices.create(index=index, body={"mappings": {"properties": fields}})
    status, error = refusal(client.indices.put_mapping, index=index, body=body)
    assert (status, error["type"], error["reason"]) == (400, type, reason)
    assert properties(client, index) == fields


TYPED = {
    "long": {"type": "long"},
    "byte": {"type": "byte"},
    "float": {"type": "float"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "text": {"type": "text"},
    "keyword": {"type": "keyword"},
    "object": {"properties": {"n": {"type": "long"}}},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("long", 1.5),
        ("long", "12"),
        ("long", "1.5"),
        ("long", ""),
        ("long", [1, [2, None]]),
        ("byte", 127),
        ("float", "1e3"),
        ("boolean", "true"),
        ("boolean", ""),
        ("date", 1700000000000),
        ("date", "2026-01"),
        ("date", "2026-01-02T03:04:05.678+02:00"),
        ("text", 5),
        ("text", True),
        ("keyword", 1.5),
        ("object", [{"n": 1}, {"n": 2}]),
        ("object.n", 4),
    ],
)
def test_values_that_are_taken(client: OpenSearch, index: str, field: str, value: Any) -> None:
    client.indices.create(index=index, body={"mappings": {"properties": TYPED}})
    assert client.index(index=index, id="1", body={field: value})["result"] == "created"
    assert client.get(index=index, id="1")["_source"] == {field: value}
    assert properties(client, index) == TYPED


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("long", "many", "many"),
        ("long", {"a": 1}, "{a=1}"),
        ("long", True, "true"),
        ("long", "1e30", "1e30"),
        ("byte", 128, "128"),
        ("float", "nan", "nan"),
        ("boolean", "yes", "yes"),
        ("boolean", 1, "1"),
        ("date", "soon", "soon"),
        ("date", "2026-13-01", "2026-13-01"),
        ("text", {"a": 1}, "{a=1}"),
        ("keyword", {"a": {"b": "c"}}, "{a={b=c}}"),
    ],
)
def test_values_that_are_refused(
    client: OpenSearch, index: str, refusal: Any, field: str, value: Any, shown: str
) -> None:
    client.indices.create(index=index, body={"mappings": {"properties": TYPED}})
    status, error = refusal(client.index, index=index, id="1", body={field: value})
    assert (status, error["type"]) == (400, "mapper_parsing_exception")
    assert error["reason"] == (
        f"failed to parse field [{field}] of type [{field}] in document with id '1'."
        f" Preview of field's value: '{shown}'"
    )
    assert not client.exists(index=index, id="1")


@pytest.mark.parametrize(
    ("source", "type"),
    [
        ({"object": 5}, "mapper_parsing_exception"),
        ({"": 1}, "mapper_parsing_exception"),
        ({"a..b": 1}, "mapper_parsing_exception"),
        ({"_id": "2"}, "mapper_parsing_exception"),
        ({"new": [1, 2.5]}, "illegal_argument_exception"),
        ({"keyword": "x" * 32_767}, "illegal_argument_exception"),
    ],
)
def test_documents_that_are_refused(
    client: OpenSearch, index: str, refusal: Any, source: dict[str, Any], type: str
) -> None:
    client.indices.create(index=index, body={"mappings": {"properties": TYPED}})
    status, error = refusal(client.index, index=index, id="1", body=source)
    assert (status, error["type"]) == (400, type)


def test_dynamic(client: OpenSearch, index: str, refusal: Any) -> None:
    fields: dict[str, Any] = {"loose": {"dynamic": "true", "properties": {"a": {"type": "long"}}}}
    body = {"mappings": {"dynamic": "strict", "properties": fields}}
    client.indices.create(index=index, body=body)
    status, error = refusal(client.index, index=index, id="1", body={"new": 1})
    assert (status, error["type"]) == (400, "strict_dynamic_mapping_exception")
    assert "dynamic introduction of [new] within [_doc] is not allowed" in error["reason"]
    client.index(index=index, id="1", body={"loose": {"b": 1}})
    client.indices.put_mapping(index=index, body={"dynamic": False})
    client.index(index=index, id="2", body={"ignored": 1})
    assert properties(client, index).keys() == {"loose"}
    assert properties(client, index)["loose"]["properties"].keys() == {"a", "b"}


def test_what_is_not_indexed_is_kept_in_the_source(client: OpenSearch, index: str) -> None:
    fields = {
        "raw": {"type": "object", "enabled": False},
        "short": {"type": "keyword", "ignore_above": 3},
        "hidden": {"type": "keyword", "index": False},
    }
    client.indices.create(index=index, body={"mappings": {"properties": fields}})
    source = {"raw": {"a": [1, {"b": "c"}]}, "short": ["abcd", "abc"], "hidden": "h"}
    client.index(index=index, id="1", body=source, params={"refresh": "true"})
    body = {"docvalue_fields": ["short", "hidden"], "query": {"exists": {"field": "short"}}}
    (hit,) = client.search(index=index, body=body)["hits"]["hits"]
    assert hit["_source"] == source
    assert hit["fields"] == {"short": ["abc"], "hidden": ["h"]}
    assert client.count(index=index, body={"query": {"term": {"short": "abcd"}}})["count"] == 0
    assert properties(client, index) == fields
