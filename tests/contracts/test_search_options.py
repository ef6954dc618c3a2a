"""What a search answers beside the order of its hits: pages, totals, sources, doc values."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

Hits = Callable[..., list[dict[str, Any]]]

MAPPINGS = {
    "properties": {
        "title": {"type": "text"},
        "brand": {"type": "keyword"},
        "price": {"type": "double"},
        "weight": {"type": "float"},
        "row": {"type": "integer"},
        "added": {"type": "date"},
        "day": {"type": "date", "format": "yyyy-MM-dd"},
        "sold": {"type": "boolean"},
        "size": {"properties": {"width": {"type": "long"}, "height": {"type": "long"}}},
        "raw": {"type": "object", "enabled": False},
        "hidden": {"type": "keyword", "doc_values": False},
    }
}
FIRST = {
    "title": "red shoe",
    "brand": ["b", "a", "b"],
    "price": 2,
    "weight": 0.1,
    "row": [7, 3, 7],
    "added": "2026-01-02T03:04:05.678+02:00",
    "day": "2026-01-02",
    "sold": True,
    "size": {"width": 4, "height": 5},
    "raw": {"x": {"y": 1}},
}
DOCUMENTS = {
    "1": FIRST,
    "2": {"title": "blue shoe", "brand": "c", "row": 1, "sold": False},
    "3": {"title": "red red hat"},
}


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, DOCUMENTS)


@pytest.fixture
def hits(client: OpenSearch, shop: str) -> Hits:
    def search(body: dict[str, Any], **params: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.search(index=shop, body=body, params=params)["hits"][
            "hits"
        ]
        return found

    return search


def test_the_whole_answer(client: OpenSearch, shop: str) -> None:
    answer = client.search(index=shop, body={"query": {"term": {"brand": "c"}}})
    assert isinstance(answer.pop("took"), int)
    assert answer == {
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": 1, "relation": "eq"},
            "max_score": 1.0,
            "hits": [{"_index": shop, "_id": "2", "_score": 1.0, "_source": DOCUMENTS["2"]}],
        },
    }


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        ({}, "123"),
        ({"size": 2}, "12"),
        ({"from": 1, "size": 1}, "2"),
        ({"from": 2}, "3"),
        ({"from": 9}, ""),
        ({"size": 0}, ""),
    ],
)
def test_pages(client: OpenSearch, hits: Hits, shop: str, page: dict[str, int], ids: str) -> None:
    assert [hit["_id"] for hit in hits(page)] == list(ids)
    assert [hit["_id"] for hit in hits({}, **{k: str(v) for k, v in page.items()})] == list(ids)
    found = client.search(index=shop, body=page)["hits"]
    assert found["total"]["value"] == 3
    assert found["max_score"] == (None if page.get("size") == 0 else 1.0)


def test_the_url_goes_before_the_body(hits: Hits) -> None:
    assert [hit["_id"] for hit in hits({"size": 1, "from": 1}, size="2", **{"from": "0"})] == [
        "1",
        "2",
    ]
    assert hits({"_source": True, "size": 1}, _source="false")[0].keys() == {
        "_index",
        "_id",
        "_score",
    }
    assert [hit["_id"] for hit in hits({}, sort="row:desc")] == ["1", "2", "3"]


def test_the_sort_of_the_url_comes_behind_that_of_the_body(hits: Hits) -> None:
    assert [hit["_id"] for hit in hits({"sort": "price"}, sort="row")] == ["1", "2", "3"]
    assert [hit["_id"] for hit in hits({"sort": ["price"]}, sort="_doc:desc")] == ["1", "3", "2"]
    fields = hits({"docvalue_fields": ["price"], "size": 1}, docvalue_fields="sold,day")[0][
        "fields"
    ]
    assert fields.keys() == {"price", "sold", "day"}


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        (True, DOCUMENTS["1"]),
        (False, None),
        ("price", {"price": 2}),
        ("p*", {"price": 2}),
        (["price", "day"], {"price": 2, "day": "2026-01-02"}),
        ("size", {"size": {"width": 4, "height": 5}}),
        ("size.width", {"size": {"width": 4}}),
        ("*.width", {"size": {"width": 4}}),
        ("s*.h*", {"size": {"height": 5}}),
        ("raw.x", {"raw": {"x": {"y": 1}}}),
        ("absent", {}),
        ([], DOCUMENTS["1"]),
        ({"includes": ["size"], "excludes": ["size.width"]}, {"size": {"height": 5}}),
        ({"includes": "price"}, {"price": 2}),
        ({"includes": ["price", "day"], "excludes": ["d*"]}, {"price": 2}),
    ],
)
def test_source_filtering(hits: Hits, wanted: Any, source: dict[str, Any] | None) -> None:
    first = hits({"_source": wanted, "query": {"ids": {"values": ["1"]}}})[0]
    assert first.get("_source") == source


def test_source_filtering_by_url(hits: Hits) -> None:
    body = {"query": {"ids": {"values": ["1"]}}}
    assert hits(body, _source="price,day")[0]["_source"] == {"price": 2, "day": "2026-01-02"}
    assert hits(body, _source_includes="size", _source_excludes="size.width")[0]["_source"] == {
        "size": {"height": 5}
    }
    assert "_source" not in hits(body, _source="false")[0]


def test_doc_values_alone(client: OpenSearch, shop: str) -> None:
    body = {"_source": False, "stored_fields": "_none_", "docvalue_fields": ["sold", "weight"]}
    single = 0.10000000149011612  # the nearest of 32 bits
    assert client.search(index=shop, body=body)["hits"]["hits"] == [
        {"_index": shop, "_score": 1.0, "fields": {"sold": [True], "weight": [single]}},
        {"_index": shop, "_score": 1.0, "fields": {"sold": [False]}},
        {"_index": shop, "_score": 1.0},
    ]


def test_doc_values_of_every_type(hits: Hits) -> None:
    wanted = ["brand", "price", "row", "added", "day", "sold", "size.*", "absent"]
    first = hits({"docvalue_fields": wanted, "_source": False, "size": 1})[0]
    assert first["_id"] == "1"
    assert first["fields"] == {
        "brand": ["a", "b"],
        "price": [2.0],
        "row": [3, 7, 7],
        "added": ["2026-01-02T01:04:05.678Z"],
        "day": ["2026-01-02"],
        "sold": [True],
        "size.width": [4],
        "size.height": [5],
    }


def test_the_format_of_a_doc_value(hits: Hits) -> None:
    wanted = [
        {"field": "day", "format": "epoch_millis"},
        {"field": "added", "format": "yyyy/MM/dd"},
    ]
    first = hits({"docvalue_fields": wanted, "_source": False, "size": 1})[0]
    assert first["fields"] == {"day": ["1767312000000"], "added": ["2026/01/02"]}


def test_fields_are_read_from_the_source(hits: Hits) -> None:
    wanted = ["title", "brand", "weight", "day", "sold", "size.width"]
    first = hits({"fields": wanted, "_source": False, "size": 1})[0]
    assert first["fields"] == {
        "title": ["red shoe"],
        "brand": ["b", "a", "b"],
        "weight": [0.1],
        "day": ["2026-01-02"],
        "sold": [True],
        "size.width": [4],
    }


def test_no_source_without_ids(hits: Hits, client: OpenSearch, shop: str, refusal: Any) -> None:
    assert hits({"stored_fields": "_none_", "size": 1})[0].keys() == {"_index", "_score"}
    body = {"stored_fields": "_none_", "_source": True}
    status, error = refusal(client.search, index=shop, body=body)
    assert status == 500
    assert error["type"] == "search_phase_execution_exception"


def test_versions(hits: Hits) -> None:
    body = {"version": True, "seq_no_primary_term": True, "_source": False, "size": 1}
    (hit,) = hits(body)
    assert (hit["_version"], hit["_seq_no"], hit["_primary_term"]) == (1, 0, 1)
    assert hits({"_source": False, "size": 1}, version="true")[0]["_version"] == 1


def test_min_score(client: OpenSearch, shop: str) -> None:
    body: dict[str, Any] = {"query": {"match": {"title": "red"}}}
    best, other = client.search(index=shop, body=body)["hits"]["hits"]
    assert best["_id"] == "3"
    body["min_score"] = (best["_score"] + other["_score"]) / 2
    found = client.search(index=shop, body=body)["hits"]
    assert found["total"]["value"] == 1
    assert [hit["_id"] for hit in found["hits"]] == ["3"]
    body["min_score"] = 100
    assert client.search(index=shop, body=body)["hits"]["max_score"] is None


def test_a_post_filter_narrows_hits_and_not_aggregations(client: OpenSearch, shop: str) -> None:
    body = {
        "query": {"match": {"title": "shoe"}},
        "post_filter": {"term": {"sold": True}},
        "aggs": {"sold": {"terms": {"field": "sold"}}},
    }
    answer = client.search(index=shop, body=body)
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["1"]
    assert answer["hits"]["total"]["value"] == 1
    assert answer["hits"]["max_score"] == answer["hits"]["hits"][0]["_score"] > 0
    counts = {
        one["key_as_string"]: one["doc_count"] for one in answer["aggregations"]["sold"]["buckets"]
    }
    assert counts == {"true": 1, "false": 1}


def test_nothing_found(client: OpenSearch, shop: str) -> None:
    found = client.search(index=shop, body={"query": {"match": {"title": "green"}}})["hits"]
    assert found == {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}


def test_an_empty_index(client: OpenSearch, index: str) -> None:
    client.indices.create(index=index)
    body = {"aggs": {"n": {"max": {"field": "n"}}}, "sort": [{"n": {"unmapped_type": "long"}}]}
    answer = client.search(index=index, body=body)
    assert answer["hits"]["hits"] == []
    assert answer["aggregations"] == {"n": {"value": None}}
    assert client.count(index=index)["count"] == 0
