"""The index body and the query made from a catalogue's fields, on every engine."""

import json

import pytest
from opensearchpy import OpenSearch, helpers

from endcap_indexer.catalogue import (
    CatalogueFields,
    Files,
    index_body,
    read_products,
    stop_at_bad_row,
    text_query,
)

FIELDS = CatalogueFields(
    text={"title": 2.0, "brand": 1.0, "categories": 1.0, "attributes": 0.8},
    objects=("attributes",),
    keywords=("brand",),
    booleans=("in_stock",),
    numbers=("rating",),
    dates=("released",),
    category="categories",
    price="price",
    popularity="sold",
)
CATALOGUE = [
    {
        "id": 1,
        "title": "Desk lamp",
        "brand": "Lumen &amp; Co",
        "categories": [["Home", "Lamps"], ["Office"]],
        "attributes": {"colour": "ink blue", "height_cm": 40},
        "price": 39.9,
        "in_stock": True,
    },
    {
        "id": 2,
        "title": "Blanket",
        "brand": "Vell",
        "categories": ["Home"],
        "rating": 4.5,
        "sold": 12,
        "released": "2024-05-31",
        "in_stock": False,
        "image": {"url": "x"},
    },
]


@pytest.fixture
def catalogue(client: OpenSearch, index: str, tmp_path):
    path = tmp_path / "products.jsonl"
    path.write_text("\n".join(map(json.dumps, CATALOGUE)), encoding="utf-8")
    client.indices.create(index=index, body=index_body(FIELDS, meta={"generation": "one"}))
    products = read_products(Files(path), FIELDS, on_bad_row=stop_at_bad_row)
    actions = ({"_index": index, "_id": p.id, "_source": p.document} for p in products)
    assert helpers.bulk(client, actions, refresh=True) == (2, [])
    return index


def found(client, index, query):
    hits = client.search(index=index, body={"query": query})["hits"]["hits"]
    return [hit["_id"] for hit in hits]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("lamps", ["1"]),
        ("home blankets", ["2", "1"]),
        ("blue", ["1"]),
        ("lumen office", ["1"]),
        ("x", []),
    ],
)
def test_the_default_query_finds_words_of_every_text_field(client, catalogue, text, ids):
    assert found(client, catalogue, text_query(FIELDS.query_fields, text)) == ids


@pytest.mark.parametrize(
    ("clause", "ids"),
    [
        ({"term": {"id": "1"}}, ["1"]),
        ({"term": {"brand.keyword": "Lumen & Co"}}, ["1"]),
        ({"term": {"categories.keyword": "Office"}}, ["1"]),
        ({"term": {"in_stock": False}}, ["2"]),
        ({"range": {"price": {"lt": 40}}}, ["1"]),
        ({"range": {"sold": {"gte": 12}}}, ["2"]),
        ({"range": {"rating": {"gt": 4}}}, ["2"]),
        ({"range": {"released": {"gte": "2024-01-01", "lt": "2025-01-01"}}}, ["2"]),
        ({"exists": {"field": "image"}}, []),
        ({"exists": {"field": "attributes"}}, []),
    ],
)
def test_every_role_can_be_filtered_and_nothing_else(client, catalogue, clause, ids):
    assert found(client, catalogue, {"bool": {"filter": [clause]}}) == ids


def test_the_mapping_names_its_generation_and_does_not_grow(client, catalogue):
    mapping = client.indices.get_mapping(index=catalogue)[catalogue]["mappings"]
    assert mapping["_meta"] == {"endcap": {"generation": "one"}}
    assert "image" not in mapping["properties"]


def test_the_row_is_asked_for_by_doc_values(client, catalogue):
    client.update(index=catalogue, id="2", body={"doc": {"endcap": {"row": 7}}}, refresh=True)
    body = {
        "query": {"ids": {"values": ["2"]}},
        "_source": False,
        "docvalue_fields": ["endcap.row"],
    }
    (hit,) = client.search(index=catalogue, body=body)["hits"]["hits"]
    assert hit["fields"] == {"endcap.row": [7]}
