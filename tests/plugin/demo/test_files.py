from endcap.demo import make_catalogue, make_events, write_demo
from endcap_indexer.catalogue import (
    CatalogueFields,
    Files,
    read_products,
    read_rows,
    stop_at_bad_row,
)


def rows(path):
    return [row.values for row in read_rows(path, on_bad_row=stop_at_bad_row)]


def test_the_files_hold_the_catalogue_and_its_events(tmp_path):
    files = write_demo(tmp_path / "new" / "demo")
    catalogue = make_catalogue()
    assert rows(files.catalogue) == catalogue
    assert rows(files.events) == make_events(catalogue)


def test_writing_again_changes_nothing(tmp_path):
    before = [path.read_bytes() for path in write_demo(tmp_path)]
    assert [path.read_bytes() for path in write_demo(tmp_path)] == before


def test_the_catalogue_is_guessed_and_read_strictly(tmp_path):
    path = write_demo(tmp_path).catalogue
    fields = CatalogueFields.guess(rows(path)[:500])
    assert fields == CatalogueFields(
        text={
            "title": 2.0,
            "brand": 1.0,
            "description": 2.0,
            "categories": 1.0,
            "attributes": 0.8,
        },
        embed=("title", "categories", "description"),
        objects=("attributes",),
        keywords=("brand",),
        booleans=("in_stock",),
        numbers=("rating",),
        dates=("released",),
        category="categories",
        price="price",
        popularity="sold",
    )
    products = list(read_products(Files(path), fields, on_bad_row=stop_at_bad_row))
    assert len(products) == len(make_catalogue())
    assert all(product.document["endcap"]["attributes"] for product in products)
