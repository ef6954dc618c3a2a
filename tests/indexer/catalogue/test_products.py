import math
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcap_indexer.catalogue import (
    BadRow,
    BadRows,
    CatalogueFields,
    Files,
    read_products,
    read_rows,
    stop_at_bad_row,
)
from endcap_indexer.exceptions import CatalogueError

FIELDS = CatalogueFields(
    text={"title": 2.0, "brand": 1.0, "description": 2.0, "attributes": 0.8},
    embed=("title", "categories", "description"),
    objects=("attributes",),
    keywords=("brand", "sku"),
    booleans=("in_stock",),
    numbers=("rating",),
    dates=("released",),
    category="categories",
    price="price",
    popularity="sold",
)
LAMP = {
    "id": 17,
    "title": "Desk <b>lamp</b> &amp; shade",
    "brand": "Lumenfold",
    "description": "Warm light.<br />Swivels.",
    "categories": [["Home", "Lamps"], ["Home", "Office"]],
    "attributes": {"colour": "ink blue", "height_cm": 40, "dimmable": True},
    "price": 39.9,
    "rating": None,
    "in_stock": True,
    "released": "2024-05-31",
    "image": "https://example.org/17.jpg",
}


def lines(*rows):
    return b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)


def read(*paths, fields=FIELDS):
    """Products by id, and the bad rows."""
    bad = BadRows()
    return {
        product.id: product for product in read_products(Files(*paths), fields, on_bad_row=bad)
    }, bad.first


def test_a_product_is_cleaned_and_nothing_else_is_changed(write):
    products, bad = read(write("p.jsonl", lines(LAMP)))
    lamp = products["17"]
    assert not bad
    assert lamp.document == LAMP | {
        "id": "17",
        "title": "Desk lamp & shade",
        "description": "Warm light. Swivels.",
        "endcap": {"attributes": "ink blue"},
    }
    assert lamp.text == "Desk lamp & shade Home Lamps Office Warm light. Swivels."
    assert lamp.vector is None


def test_columns_are_floats_and_nan_where_the_product_says_nothing(write):
    products, _ = read(write("p.jsonl", lines(LAMP)))
    assert tuple(products["17"].columns) == FIELDS.columns == ("price", "popularity", "rating")
    assert products["17"].columns["price"] == 39.9
    assert math.isnan(products["17"].columns["popularity"])
    assert math.isnan(products["17"].columns["rating"])


def test_a_product_without_attributes_has_no_derived_text(write):
    products, _ = read(write("p.jsonl", lines({"id": "1", "title": "Tea", "attributes": {"n": 1}})))
    assert "endcap" not in products["1"].document


def test_csv_gives_the_same_types_as_json(write):
    path = write("p.csv", "id,title,price,sold,in_stock,categories\n1,Tea,2.50,7,true,Food > Tea\n")
    products, _ = read(path)
    assert products["1"].document == {
        "id": "1",
        "title": "Tea",
        "price": 2.5,
        "sold": 7.0,
        "in_stock": True,
        "categories": ["Food", "Tea"],
    }
    assert products["1"].columns["popularity"] == 7.0


def test_each_field_to_embed_is_cut_by_itself(write):
    fields = CatalogueFields(embed=("title", "description"), embed_characters=9)
    path = write(
        "p.jsonl", lines({"id": "1", "title": "one two three", "description": "four five six"})
    )
    assert read(path, fields=fields)[0]["1"].text == "one two four five"


def test_the_title_is_embedded_where_nothing_else_is_said(write):
    fields = CatalogueFields(embed=("description",))
    products, _ = read(write("p.jsonl", lines({"id": "1", "title": "Tea"})), fields=fields)
    assert products["1"].text == "Tea"


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"id": None}, "id", "is missing; every product needs one"),
        ({"id": ""}, "id", "is empty"),
        ({"title": None}, "title", "is missing; every product needs one"),
        ({"title": " <br> "}, "title", "is empty; every product needs a title"),
        ({"title": ["Tea"]}, "title", "['Tea'] is no title"),
        ({"price": "free"}, "price", "'free' is no number"),
        ({"price": -1}, "price", "-1 is negative"),
        ({"sold": -1}, "sold", "-1 is negative"),
        ({"rating": "good"}, "rating", "'good' is no number"),
        ({"description": {"en": "x"}}, "description", "is an object"),
        ({"attributes": "blue"}, "attributes", "'blue' is no object"),
        ({"brand": {"name": "x"}}, "brand", "is an object"),
        ({"in_stock": "maybe"}, "in_stock", "'maybe' is no boolean"),
        ({"released": "soon"}, "released", "'soon' is no date"),
        ({"categories": {"a": 1}}, "categories", "is an object"),
    ],
)
def test_a_bad_value_names_file_line_and_field(write, change, field, said):
    good = {"id": "good", "title": "Tea"}
    path = write("p.jsonl", lines(good, LAMP | change, LAMP))
    products, (bad,) = read(path)
    assert set(products) == {"good", "17"}
    assert (bad.file, bad.line, bad.field) == (str(path), 2, field)
    assert said in bad.reason
    assert str(bad).startswith(f"{path}:2: {field}: ")


@pytest.mark.parametrize("price", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_price_that_is_not_finite_is_a_bad_row(write, price):
    row = b'{"id": "1", "title": "Tea", "price": ' + price + b"}"
    _, (bad,) = read(write("p.jsonl", lines(row, LAMP)))
    assert (bad.line, bad.field) == (1, "price")
    assert "is not finite; leave the field out where nothing is known" in bad.reason


def test_the_first_row_of_an_id_counts(write):
    path = write(
        "p.jsonl",
        lines({"id": 1, "title": "a"}, {"id": "1", "title": "b"}, {"id": "1 ", "title": "c"}),
    )
    products, bad = read(path)
    assert products["1"].document["title"] == "a"
    assert [(row.line, row.field) for row in bad] == [(2, "id"), (3, "id")]
    assert bad[0].reason == "'1' was given by an earlier row, which counts"


def test_a_bad_row_does_not_take_its_id(write):
    path = write("p.jsonl", lines({"id": "1", "title": ""}, {"id": "1", "title": "b"}))
    products, _ = read(path)
    assert products["1"].document["title"] == "b"


def test_ids_are_told_apart_over_all_files(write):
    one = write("1.jsonl", lines({"id": "1", "title": "a"}))
    two = write("2.csv.gz", "id,title\n1,b\n2,c\n")
    products, (bad,) = read(one, two)
    assert {id: product.document["title"] for id, product in products.items()} == {
        "1": "a",
        "2": "c",
    }
    assert (bad.file, bad.line) == (str(two), 2)


def test_broken_lines_and_broken_products_are_reported_alike(write):
    path = write("p.jsonl", lines(b"{", LAMP, {"id": "2"}))
    _, bad = read(path)
    assert [(row.line, row.field) for row in bad] == [(1, None), (3, "title")]


def test_strict_reading_stops(write):
    path = write("p.jsonl", lines(LAMP, {"id": "2", "title": "Tea", "price": -1}))
    with pytest.raises(CatalogueError, match=r"p\.jsonl:2: price: -1 is negative; write 0 or more"):
        list(read_products(Files(path), FIELDS, on_bad_row=stop_at_bad_row))


def test_a_catalogue_without_a_single_product_is_refused(write):
    path = write("p.jsonl", lines({"sku": "1"}, {"sku": "2"}))
    with pytest.raises(
        CatalogueError, match=r"no row is a product; the last: .*:2: id: is missing"
    ):
        read(path)


def test_the_shops_own_vector(write):
    fields = CatalogueFields(vector="embedding")
    path = write(
        "p.jsonl",
        lines(
            {"id": "1", "title": "a", "embedding": [3, 4]},
            {"id": "2", "title": "b", "embedding": [1, 2, 3]},
            {"id": "3", "title": "c", "embedding": [0, 0]},
            {"id": "4", "title": "d"},
            {"id": "5", "title": "e", "embedding": [0, -2]},
        ),
    )
    products, bad = read(path, fields=fields)
    assert products["1"].vector.tolist() == pytest.approx([0.6, 0.8])
    assert products["5"].vector.tolist() == [0, -1]
    assert "embedding" not in products["1"].document
    assert [(row.line, row.reason) for row in bad] == [
        (2, "has 3 numbers, other vectors have 2"),
        (3, "is zero everywhere"),
        (4, "is missing; every product needs one"),
    ]


def test_products_are_streamed(write):
    products = read_products(
        Files(write("p.jsonl", lines(LAMP, b"{"))), FIELDS, on_bad_row=stop_at_bad_row
    )
    assert isinstance(products, Iterator)
    assert next(products).id == "17"


NASTY = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [
            b'{"id": "1", "title": "a"}',
            b'{"id": 2, "title": "b", "price": NaN}',
            b"id,title",
            b"1,a",
        ]
        + [b'"', b",", b"\n", b"\r", b"\xff", b"\xef\xbb\xbf", b"\0", b"{", b"[", b"\t", b"3,\xe9"]
    ),
    max_size=30,
).map(b"".join)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
@given(
    raw=NASTY,
    suffix=st.sampled_from([".jsonl", ".csv", ".tsv", ".jsonl.gz", ".csv.gz"]),
    packed=st.booleans(),
)
def test_any_bytes_are_rows_bad_rows_or_a_catalogue_error(write, raw, suffix, packed):
    path = write(f"p{suffix}", raw)
    if not packed:
        path.write_bytes(raw)
    bad: list[BadRow] = []
    rows = products = 0
    try:
        rows = sum(1 for _ in read_rows(path, on_bad_row=lambda _: None))
        products = sum(
            1 for _ in read_products(Files(path), CatalogueFields(), on_bad_row=bad.append)
        )
    except CatalogueError as error:
        assert str(path) in str(error)
        return
    broken = sum(1 for row in bad if row.field is None or "UTF-8" in row.reason)
    assert products + len(bad) == rows + broken
