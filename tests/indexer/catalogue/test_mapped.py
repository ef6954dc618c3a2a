"""Roles of an index that is there already: from its mapping, and from what its documents say."""

import pytest

from endcap_indexer.catalogue import CatalogueFields, check_fields, guess_fields
from endcap_indexer.exceptions import FieldsError

TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
PROPERTIES = {
    "id": {"type": "keyword"},
    "product": {"properties": {"title": TEXT, "name": TEXT, "url": TEXT}},
    "brand": {"type": "keyword", "fields": {"words": {"type": "text"}}},
    "details": {"type": "text"},
    "sku": TEXT,
    "price": {"type": "scaled_float"},
    "rating_count": {"type": "integer"},
    "weight": {"type": "float"},
    "added": {"type": "date"},
    "title_alias": {"type": "alias", "path": "product.title"},
    "attributes": {"type": "nested", "properties": {"value": TEXT}},
    "embedding": {"type": "knn_vector"},
    "raw": {"type": "object", "enabled": False},
    "endcap": {"properties": {"row": {"type": "integer"}}},
}
SOURCES = [
    {
        "id": f"x{n}",
        "product": {
            "title": f"Warm rain jacket number {n} for the long winter",
            "name": "n",
            "url": "https://shop/1",
        },
        "brand": ["Alder", "Birch"][n % 2],
        "details": "It keeps you warm and dry on every single day of the year.",
        "sku": f"A{n}",
        "price": 10 + n,
        "rating_count": n,
        "weight": 1.5,
        "added": "2026-01-01",
        "attributes": [{"value": "a lining of wool that keeps everybody warm"}],
        "embedding": [0.5] * 32,
        "endcap": {"row": n},
    }
    for n in range(5)
]


def test_names_within_objects_and_types_of_the_mapping_decide():
    fields = guess_fields(PROPERTIES, SOURCES)
    assert (fields.id, fields.title) == ("_id", "product.title")
    assert (fields.price, fields.popularity) == ("price", "rating_count")
    # not attributes.value: a query must say that it is nested
    assert fields.text == {"product.title": 2.0, "brand.words": 1.0, "details": 2.0}
    assert fields.embed == ("product.title", "details")
    assert fields.numbers == ("weight",)
    assert fields.vector is None
    assert "endcap.row" not in fields.numbers
    assert check_fields(PROPERTIES, fields) == fields


def test_the_outermost_field_of_a_name_counts():
    properties = {"meta": {"properties": {"title": TEXT}}, "title": TEXT}
    sources = [{"title": f"lamp {n}", "meta": {"title": "page"}} for n in range(3)]
    assert guess_fields(properties, sources).title == "title"


@pytest.mark.parametrize(
    ("properties", "sources", "said"),
    [
        ({"title": TEXT}, [], "the index holds no documents to guess its fields from"),
        ({"x": TEXT}, [{"x": 1}], "no field looks like the title among x"),
        ({"title": {"type": "keyword"}}, [{"title": "lamp"}], "mapped as text: write text ="),
    ],
)
def test_what_cannot_be_guessed_says_what_to_write(properties, sources, said):
    with pytest.raises(FieldsError, match=said):
        guess_fields(properties, sources)


def test_free_attributes_may_be_embedded_but_not_searched():
    fields = CatalogueFields(title="brand", text={"brand": 1}, embed=("brand", "attributes"))
    assert check_fields(PROPERTIES, fields).embed == ("brand", "attributes")
    with pytest.raises(FieldsError, match=r"catalogue\.text names 'attributes\.value'"):
        check_fields(PROPERTIES, CatalogueFields(title="brand", text={"attributes.value": 1}))
