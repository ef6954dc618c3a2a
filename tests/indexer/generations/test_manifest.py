import json

import pytest

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations import Manifest
from endcap_indexer.generations.manifest import name_generation, number_of

MANIFEST = Manifest(
    generation="products-000017",
    created="2026-11-23T09:00:00+00:00",
    digest="ab" * 16,
    encoder="toy-1",
    dimension=8,
    text_fields=("title^2", "brand^1"),
    columns=("price", "stock"),
    catalogue={"id": "id", "title": "title"},
    products=3,
    bad_rows=1,
    index="flat",
)


def test_a_manifest_survives_json():
    assert Manifest.from_table(json.loads(json.dumps(MANIFEST.to_table()))) == MANIFEST


def test_the_index_is_told_where_its_folder_is():
    assert MANIFEST.meta == {
        "generation": "products-000017",
        "encoder": "toy-1",
        "dimension": 8,
        "text_fields": ["title^2", "brand^1"],
        "created": "2026-11-23T09:00:00+00:00",
        "digest": "ab" * 16,
        "row_field": "endcap.row",
        "vectors": "folder",
        "before": None,
    }


def test_what_an_earlier_version_wrote_is_read():
    table = MANIFEST.to_table()
    del table["row_field"], table["vectors"]
    assert Manifest.from_table(table) == MANIFEST


def test_a_missing_fact_is_named():
    table = MANIFEST.to_table()
    del table["dimension"]
    with pytest.raises(GenerationError, match="products-000017 lacks 'dimension'; run reindex"):
        Manifest.from_table(table)


def test_names_and_numbers():
    assert name_generation("products", 17) == "products-000017"
    assert number_of("products", "products-000017") == 17
    assert number_of("products", "products-1000000") == 1_000_000
    for other in (
        "products",
        "products-17",
        "products-v00001",
        "my-products-000017",
        "products-000017.building",
    ):
        assert number_of("products", other) is None
    assert number_of("a.b", "axb-000001") is None
