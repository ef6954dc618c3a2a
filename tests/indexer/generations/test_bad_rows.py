import pytest

from endcap_indexer.catalogue import BadRows, CatalogueFields, stop_at_bad_row
from endcap_indexer.exceptions import CatalogueError


def test_bad_rows_are_counted_and_skipped(build, write_catalogue, read_live):
    bad_rows = BadRows()
    rows = [
        {"id": "p0", "title": "", "price": 1},
        {"id": "p1", "title": "lamp", "brand": "x", "price": 2},
    ]
    result = build(write_catalogue(rows=rows, on_bad_row=bad_rows))
    assert (result.products, result.bad_rows, bad_rows.count) == (1, 1, 1)
    assert build(write_catalogue(rows=rows)).bad_rows == 1
    assert read_live() == ("x", 1)


def test_strict_reading_stops_before_the_swap(build, write_catalogue, read_live):
    build(write_catalogue(5))
    rows = [{"id": "p0", "title": "lamp", "price": 1}, {"id": "p1", "title": "", "price": 2}]
    with pytest.raises(CatalogueError, match=r"products\.jsonl:2: title"):
        build(write_catalogue(rows=rows, on_bad_row=stop_at_bad_row))
    assert read_live() == ("first", 5)


def test_the_bad_rows_of_an_unchanged_catalogue_are_told_again(build, write_catalogue, client):
    bad_rows = BadRows()
    rows = [{"id": "p0", "title": "", "price": 1}, {"id": "p1", "title": "lamp", "price": 2}]
    build(write_catalogue(rows=rows))
    again = build(write_catalogue(rows=rows, on_bad_row=bad_rows))
    assert (again.unchanged, again.bad_rows, bad_rows.count) == (True, 1, 1)
    with pytest.raises(CatalogueError, match=r"products\.jsonl:1: title: is empty"):
        build(write_catalogue(rows=rows, on_bad_row=stop_at_bad_row))
    assert sorted(client.indices.get(index="*")) == ["products-000001"]


def test_a_product_without_one_of_its_values_is_no_second_row(build, write_catalogue):
    told = []

    class Watcher:
        def advance(self, stage, done, total):
            told.append((stage, done, total))

    rows = [{"id": "p0", "title": "lamp", "price": "free"}, {"id": "p1", "title": "sofa"}]
    fields = CatalogueFields(price="price", guessed=True)
    result = build(write_catalogue(rows=rows, fields=fields), progress=Watcher())
    assert (result.products, result.bad_rows) == (2, 1)
    assert told[0] == ("products", 2, 2)
