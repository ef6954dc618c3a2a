"""Highlighting, as the unified highlighter shows it."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

TEXT = (
    "Red shoes. The quick brown fox jumps over the lazy dog. A red fox is here! Another very long"
    " sentence about nothing at all which goes on and on, and on with red inside it."
)
MAPPINGS = {
    "properties": {
        "t": {"type": "text", "analyzer": "english"},
        "u": {"type": "text"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
    }
}
DOCUMENTS = {
    "0": {"t": TEXT, "u": "red fox", "k": "x", "n": 1},
    "1": {"t": ["Two red socks", "One blue sock", "red reds"], "n": 2},
    "2": {"u": "blue", "k": "x"},
}


@pytest.fixture(scope="module")
def shop(build_index: Callable[..., str]) -> str:
    return build_index({"mappings": MAPPINGS}, DOCUMENTS)


def first(client: OpenSearch, index: str, query: Any, highlight: Any) -> dict[str, Any] | None:
    only = {"bool": {"must": [query], "filter": [{"ids": {"values": ["0"]}}]}}
    (hit,) = client.search(index=index, body={"query": only, "highlight": highlight})["hits"][
        "hits"
    ]
    return hit.get("highlight")  # type: ignore[no-any-return]


RED_FOX = {"match": {"t": "red fox"}}


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        (
            {},
            [
                "<em>Red</em> shoes. The quick brown <em>fox</em> jumps over the lazy dog."
                " A <em>red</em> <em>fox</em> is here!",
                "Another very long sentence about nothing at all which goes on and on, and on with"
                " <em>red</em> inside it.",
            ],
        ),
        (
            {"number_of_fragments": 1},
            [
                "<em>Red</em> shoes. The quick brown <em>fox</em> jumps over the lazy dog."
                " A <em>red</em> <em>fox</em> is here!"
            ],
        ),
        (
            {"fragment_size": 30},
            [
                "<em>Red</em> shoes.",
                "The quick brown <em>fox</em> jumps over",
                "A <em>red</em> <em>fox</em> is here!",
                "which goes on and on, and on with <em>red</em>",
            ],
        ),
        (
            {"number_of_fragments": 0, "pre_tags": ["<b>"], "post_tags": ["</b>"]},
            [
                "<b>Red</b> shoes. The quick brown <b>fox</b> jumps over the lazy dog."
                " A <b>red</b> <b>fox</b> is here! Another very long sentence about nothing at all"
                " which goes on and on, and on with <b>red</b> inside it."
            ],
        ),
    ],
)
def test_fragments(
    client: OpenSearch, shop: str, options: dict[str, Any], fragments: list[str]
) -> None:
    assert first(client, shop, RED_FOX, {"fields": {"t": options}}) == {"t": fragments}
    assert first(client, shop, RED_FOX, {**options, "fields": {"t": {}}}) == {"t": fragments}
    assert first(client, shop, RED_FOX, {**options, "fields": [{"t": {}}]}) == {"t": fragments}


def test_a_field_shows_what_was_looked_for_in_it(client: OpenSearch, shop: str) -> None:
    everywhere = {"number_of_fragments": 0, "fields": {"u": {}, "absent": {}}}
    assert first(client, shop, RED_FOX, everywhere) is None
    found = first(client, shop, RED_FOX, {**everywhere, "require_field_match": False})
    assert found == {"u": ["<em>red</em> <em>fox</em>"]}
    both = {"multi_match": {"query": "fox", "fields": ["t", "u"]}}
    found = first(client, shop, both, {"fields": {"*": {"fragment_size": 20}}})
    assert found == {
        "t": ["The quick brown <em>fox</em> jumps", "A red <em>fox</em> is here!"],
        "u": ["red <em>fox</em>"],
    }


def test_a_phrase(client: OpenSearch, shop: str) -> None:
    phrase = {"match_phrase": {"t": "red foxes"}}
    found = first(client, shop, phrase, {"fields": {"t": {"fragment_size": 20}}})
    assert found == {"t": ["A <em>red</em> <em>fox</em> is here!"]}


def test_exact_values_and_conditions(client: OpenSearch, shop: str) -> None:
    query = {
        "bool": {
            "filter": [{"term": {"k": "x"}}],
            "must": [{"match": {"u": "red"}}],
            "must_not": [{"match": {"u": "blue"}}],
        }
    }  # noqa: E501
    found = first(client, shop, query, {"fields": {"k": {}, "u": {}, "n": {}}})
    assert found == {"k": ["<em>x</em>"], "u": ["<em>red</em> fox"]}


def test_each_value_is_a_fragment_of_its_own(client: OpenSearch, shop: str) -> None:
    body = {
        "query": {"match": {"t": "red socks"}},
        "post_filter": {"ids": {"values": ["1"]}},
        "highlight": {"fields": {"t": {}}},
    }
    (hit,) = client.search(index=shop, body=body)["hits"]["hits"]
    assert hit["highlight"]["t"] == [
        "Two <em>red</em> <em>socks</em>",
        "One blue <em>sock</em>",
        "<em>red</em> <em>reds</em>",
    ]
    body["highlight"]["fields"]["t"] = {"number_of_fragments": 0}
    (hit,) = client.search(index=shop, body=body)["hits"]["hits"]
    assert len(hit["highlight"]["t"]) == 3
