import numpy as np
import pytest

from endcap_indexer.catalogue import CatalogueFields, DocumentReader, values_at

SOURCE = {
    "name": "Rain <b>jacket</b>",
    "brand": {"name": "Alder", "code": 7},
    "flat.key": "dotted",
    "variants": [
        {"colour": "red", "size": {"eu": [38, 40]}},
        {"colour": "blue"},
        {"colour": "red"},
    ],
    "price": "12.5",
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("name", ["Rain <b>jacket</b>"]),
        ("brand.name", ["Alder"]),
        ("brand", ["Alder", 7]),
        ("flat.key", ["dotted"]),
        ("variants.colour", ["red", "blue", "red"]),
        ("variants.size.eu", [38, 40]),
        ("nothing", []),
        ("brand.nothing", []),
        ("bran", []),
    ],
)
def test_values_lie_at_paths(path, values):
    assert list(values_at(SOURCE, path)) == values


def read(source, **roles):
    reader = DocumentReader(CatalogueFields(id="_id", title="name", **roles))
    return reader, reader.read("p1", source)


def test_what_is_embedded_is_cleaned_cut_and_said_once():
    _, product = read(SOURCE, embed=("name", "variants.colour", "brand"), embed_characters=11)
    assert product.text == "Rain jacket red blue Alder 7"
    assert product.id == "p1"


def test_the_title_stands_in_where_nothing_else_is_said():
    assert read(SOURCE, embed=("nothing",))[1].text == "Rain jacket"
    assert read({}, embed=("nothing",))[1].text == ""


def test_columns_are_numbers_or_nothing():
    reader, product = read(SOURCE, price="price", popularity="sales", numbers=("brand.code",))
    assert product.columns == pytest.approx(
        {"price": 12.5, "popularity": np.nan, "brand.code": 7.0}, nan_ok=True
    )
    assert reader.left_out == {}
    for value in ("cheap", -1, float("inf")):
        assert np.isnan(reader.read("p2", {"price": value}).columns["price"])
    assert reader.left_out == {"price": 3}


def test_only_what_is_read_is_asked_for():
    reader, _ = read(SOURCE, embed=("name", "variants.colour"), price="price")
    assert reader.paths == ["name", "price", "variants.colour"]
