"""A guess is never worth a product: what does not fit a guessed role is left out and named."""

import math

import orjson
import pytest

from endcap_indexer.catalogue import BadRows, CatalogueFields, Files, read_products, stop_at_bad_row
from endcap_indexer.exceptions import CatalogueError


def lines(*rows):
    return b"\n".join(map(orjson.dumps, rows))


def read(path, fields):
    """Products by id, and the bad rows."""
    bad = BadRows()
    products = read_products(Files(path), fields, on_bad_row=bad)
    return {product.id: product for product in products}, bad.first


def make_guessable(count, **values):
    return [{"id": str(n), "title": f"Product {n}"} | values for n in range(count)]


@pytest.mark.parametrize(
    ("usual", "odd", "said"),
    [
        ({"size": "42"}, {"size": "XL"}, "size: 'XL' is no number"),
        ({"attributes": {"a": "b"}}, {"attributes": []}, "attributes: [] is no object"),
        ({"price": 3}, {"price": "on request"}, "price: 'on request' is no number"),
        ({"categories": ["A"]}, {"categories": {"a": 1}}, "categories: is an object"),
        ({"released": "2024-05-31"}, {"released": "soon"}, "released: 'soon' is no date"),
    ],
)
def test_a_value_unlike_its_guessed_role_is_left_out_and_named(write, usual, odd, said):
    rows = make_guessable(500, **usual)
    fields = CatalogueFields.guess(rows)
    path = write("p.jsonl", lines(*rows, {"id": "odd", "title": "Tea"} | odd))
    products, (bad,) = read(path, fields)
    assert len(products) == 501
    assert products["odd"].document == {"id": "odd", "title": "Tea"}
    assert all(math.isnan(value) for value in products["odd"].columns.values())
    assert str(bad).startswith(f"{path}:501: {said}")
    assert str(bad).endswith("; the value is left out")


def test_every_value_left_out_is_named_and_reading_strictly_stops_at_the_first(write):
    fields = CatalogueFields.guess(make_guessable(3, size=42, attributes={"a": "b"}))
    odd = {"id": "odd", "title": "Tea", "size": "XL", "attributes": []}
    path = write("p.jsonl", lines(odd))
    products, bad = read(path, fields)
    assert [row.field for row in bad] == ["attributes", "size"]
    assert set(products) == {"odd"}
    with pytest.raises(CatalogueError, match=r"p\.jsonl:1: attributes: .*the value is left out"):
        list(read_products(Files(path), fields, on_bad_row=stop_at_bad_row))


@pytest.mark.parametrize("odd", [{"id": 1.5}, {"title": ["Tea"]}, {"embedding": [0.5]}])
def test_no_product_is_without_a_guessed_id_title_or_vector(write, odd):
    rows = make_guessable(3, embedding=[0.5] * 16)
    fields = CatalogueFields.guess(rows)
    products, (bad,) = read(write("p.jsonl", lines(*rows, rows[0] | {"id": "odd"} | odd)), fields)
    assert set(products) == {"0", "1", "2"}
    assert (bad.line, bad.field) == (4, next(iter(odd)))
    assert "left out" not in bad.reason


def test_a_guess_that_is_written_down_is_strict(write):
    rows = make_guessable(3, size="42")
    fields = CatalogueFields.from_table(CatalogueFields.guess(rows).to_table())
    products, (bad,) = read(write("p.jsonl", lines(*rows, rows[0] | {"size": "XL"})), fields)
    assert len(products) == 3
    assert (bad.line, bad.field) == (4, "size")
