"""Sorting, and going on after a page."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

MAPPINGS = {
    "properties": {
        "k": {"type": "keyword"},
        "t": {"type": "text"},
        "i": {"type": "integer"},
        "n": {"type": "long"},
        "f": {"type": "double"},
        "d": {"type": "date"},
        "b": {"type": "boolean"},
        "off": {"type": "keyword", "doc_values": False},
    }
}
DOCUMENTS = {
    "1": {"k": ["b", "z"], "i": 2, "n": 5, "f": 1.5, "d": "2026-01-01", "b": True, "t": "red"},
    "2": {},
    "3": {"k": "ç", "i": [0, 9], "n": 5, "f": -2, "d": "2025-01-01", "b": False, "t": "red red"},
    "4": {"k": "c", "i": 1, "n": -1},
}
LONGEST, INTEGER = (1 << 63) - 1, (1 << 31) - 1


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, DOCUMENTS)


@pytest.mark.parametrize(
    ("sort", "rows"),
    [
        ("i", [("3", 0), ("4", 1), ("1", 2), ("2", INTEGER)]),
        ({"i": "desc"}, [("3", 9), ("1", 2), ("4", 1), ("2", -INTEGER - 1)]),
        ({"i": {"mode": "max"}}, [("4", 1), ("1", 2), ("3", 9), ("2", INTEGER)]),
        ({"i": {"missing": 1}}, [("3", 0), ("2", 1), ("4", 1), ("1", 2)]),
        ({"i": {"missing": "_first"}}, [("2", -INTEGER - 1), ("3", 0), ("4", 1), ("1", 2)]),
        ("n", [("4", -1), ("1", 5), ("3", 5), ("2", LONGEST)]),
        ({"n": {"order": "desc"}}, [("1", 5), ("3", 5), ("4", -1), ("2", -LONGEST - 1)]),
        ("f", [("3", -2.0), ("1", 1.5), ("2", "Infinity"), ("4", "Infinity")]),
        ({"f": "desc"}, [("1", 1.5), ("3", -2.0), ("2", "-Infinity"), ("4", "-Infinity")]),
        ("d", [("3", 1735689600000), ("1", 1767225600000), ("2", LONGEST), ("4", LONGEST)]),
        ("b", [("3", 0), ("1", 1), ("2", INTEGER), ("4", INTEGER)]),
        ("k", [("1", "b"), ("4", "c"), ("3", "ç"), ("2", None)]),
        ({"k": "desc"}, [("3", "ç"), ("1", "z"), ("4", "c"), ("2", None)]),
        ({"k": {"missing": "_first"}}, [("2", None), ("1", "b"), ("4", "c"), ("3", "ç")]),
        ({"k": {"missing": "bb"}}, [("1", "b"), ("2", "bb"), ("4", "c"), ("3", "ç")]),
        ({"absent": {"unmapped_type": "long"}}, [(id, LONGEST) for id in "1234"]),
    ],
)
def test_one_key(client: OpenSearch, shop: str, sort: Any, rows: list[tuple[str, Any]]) -> None:
    found = client.search(index=shop, body={"sort": [sort]})["hits"]
    assert [(hit["_id"], hit["sort"][0]) for hit in found["hits"]] == [
        (id, pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)
        for id, value in rows
    ]
    assert found["max_score"] is None
    assert {hit["_score"] for hit in found["hits"]} == {None}


def ids(client: OpenSearch, index: str, **body: Any) -> list[str]:
    return [hit["_id"] for hit in client.search(index=index, body=body)["hits"]["hits"]]


def test_several_keys(client: OpenSearch, shop: str) -> None:
    assert ids(client, shop, sort=[{"n": "desc"}, {"i": "asc"}]) == ["3", "1", "4", "2"]
    assert ids(client, shop, sort=[{"n": "desc"}, {"f": "desc"}]) == ["1", "3", "4", "2"]
    assert ids(client, shop, sort=["n", {"_doc": "desc"}]) == ["4", "3", "1", "2"]


def test_the_score_as_a_key(client: OpenSearch, shop: str) -> None:
    red = {"match": {"t": "red"}}
    plain = client.search(index=shop, body={"query": red})["hits"]
    sorted_by_score = client.search(index=shop, body={"query": red, "sort": "_score"})["hits"]
    assert sorted_by_score == plain
    hits = client.search(index=shop, body={"query": red, "sort": ["_score", "i"]})["hits"]
    assert [hit["sort"] for hit in hits["hits"]] == [
        [hit["_score"], value] for hit, value in zip(plain["hits"], (0, 2), strict=True)
    ]
    assert hits["max_score"] == plain["max_score"]
    backwards = ids(client, shop, query=red, sort=[{"_score": "asc"}])
    assert backwards == [hit["_id"] for hit in reversed(plain["hits"])]


def test_scores_beside_a_sort(client: OpenSearch, shop: str) -> None:
    body = {"sort": ["i"], "track_scores": True, "size": 1}
    hits = client.search(index=shop, body=body)["hits"]
    assert (hits["max_score"], hits["hits"][0]["_score"]) == (1.0, 1.0)
    hits = client.search(index=shop, body={"sort": [{"n": "desc"}, "_score"], "size": 1})["hits"]
    assert (hits["max_score"], hits["hits"][0]["_score"]) == (None, 1.0)


@pytest.mark.parametrize(
    "sort", [["i"], [{"k": "desc"}, "i"], ["n", "i"], [{"f": "desc"}, "i"], ["d", "n", "i"]]
)
def test_page_after_page(client: OpenSearch, shop: str, sort: list[Any]) -> None:
    expected = ids(client, shop, sort=sort)
    assert len(expected) == 4
    found, after = [], {}
    while page := client.search(index=shop, body={"sort": sort, "size": 1, **after})["hits"][
        "hits"
    ]:
        found.append(page[0]["_id"])
        after = {"search_after": page[0]["sort"]}
    assert found == expected


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"sort": ["absent"]}, 400, "No mapping found for [absent] in order to sort on"),
        ({"sort": [{"i": "up"}]}, 400, "No enum constant org.opensearch.search.sort.SortOrder.UP"),
        (
            {"sort": ["i", "n"], "search_after": [1]},
            400,
            "search_after has 1 value(s) but sort has 2.",
        ),
        ({"search_after": [1]}, 400, "Sort must contain at least one field."),
        (
            {"sort": ["i"], "search_after": [1], "from": 1},
            500,
            "`from` parameter must be set to 0 when `search_after` is used.",
        ),
    ],
)
def test_refusals(
    client: OpenSearch, shop: str, refusal: Any, body: dict[str, Any], status: int, reason: str
) -> None:
    found, error = refusal(client.search, index=shop, body=body)
    assert (found, error["root_cause"][0]["reason"]) == (status, reason)


@pytest.mark.parametrize("field", ["t", "off"])
def test_a_field_that_cannot_be_sorted_by(
    client: OpenSearch, shop: str, refusal: Any, field: str
) -> None:
    status, error = refusal(client.search, index=shop, body={"sort": [field]})
    assert (status, error["type"]) == (400, "search_phase_execution_exception")
    assert error["root_cause"][0]["type"] == "illegal_argument_exception"
