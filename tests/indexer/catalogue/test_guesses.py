import pytest

from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.exceptions import FieldsError


def guess(**values):
    """Roles for three products with these further values."""
    rows = [
        {"id": str(n), "title": f"Product {n}"} | {name: v[n] for name, v in values.items()}
        for n in range(3)
    ]
    return CatalogueFields.guess(rows)


def test_an_electronics_catalogue():
    fields = CatalogueFields.guess(
        [
            {
                "id": "3920564",
                "title": "Xerox 006R90321 toner cartridge Original Black 6 pc(s)",
                "brand": "Xerox",
                "price": 4995,
                "description": "Toner (6 Per Box) for CopyCentre C65 Digital Copier",
                "sku": "006R90321",
                "ean": ["0095205603217"],
                "released": "2009-12-10T00:00:00Z",
                "attributes": {"t_type": "Original", "n_quantity_per_pack": 6.0, "b_new": True},
            },
            {"id": "7", "title": "A cable", "brand": "HP", "price": 9, "sku": "17", "ean": []},
        ]
    )
    assert fields == CatalogueFields(
        text={"title": 2.0, "brand": 1.0, "description": 2.0, "attributes": 0.8},
        embed=("title", "description"),
        objects=("attributes",),
        keywords=("brand", "sku", "ean"),
        dates=("released",),
        price="price",
    )


def test_a_catalogue_of_titles_and_paths():
    rows = [{"id": "B0", "title": "OPI Nail Lacquer", "categories": [["Beauty", "Makeup"]]}]
    assert CatalogueFields.guess(rows) == CatalogueFields(
        text={"title": 2.0, "categories": 1.0}, embed=("title", "categories"), category="categories"
    )


@pytest.mark.parametrize(
    ("id", "title"), [("product_id", "name"), ("SKU", "Product Name"), ("asin", "product-title")]
)
def test_other_names_for_id_and_title(id, title):
    fields = CatalogueFields.guess([{id: "1", title: "A lamp"}])
    assert (fields.id, fields.title) == (id, title)


def test_the_id_is_a_field_that_every_row_has():
    rows = [{"sku": "a", "title": "x"}, {"sku": "b", "title": "y", "id": "2"}]
    assert CatalogueFields.guess(rows).id == "sku"


def make_rows(count, **odd):
    """So many products with an id, a sku and a title; the last has these values instead."""
    rows = [{"id": str(n), "sku": f"s{n}", "title": f"Product {n}"} for n in range(count)]
    return [*rows[:-1], rows[-1] | odd]


@pytest.mark.parametrize("odd", [None, "", 1.5, True, "x" * 513, "0"])
@pytest.mark.parametrize(("count", "id"), [(100, "id"), (60, "id"), (40, "sku")])
def test_one_row_in_a_hundred_may_have_no_id_of_its_own(count, id, odd):
    assert CatalogueFields.guess(make_rows(count, id=odd)).id == id


def test_a_field_that_repeats_its_values_is_no_id():
    rows = [{"parent_asin": f"P{n // 2}", "sku": n, "title": "A lamp"} for n in range(200)]
    assert CatalogueFields.guess(rows).id == "sku"


@pytest.mark.parametrize("odd", [1984, None, ["A lamp"], True, 2.5])
def test_one_title_in_a_hundred_may_be_odd(odd):
    assert CatalogueFields.guess(make_rows(100, title=odd)).title == "title"


def test_titles_may_be_whole_numbers_but_not_all_of_them():
    rows = [{"id": n, "title": n, "name": title} for n, title in enumerate([1984, "Emma", 2666])]
    assert CatalogueFields.guess(rows).title == "name"


@pytest.mark.parametrize("odd", [["A lamp"], True, 2.5])
def test_a_title_that_is_often_no_text_is_none(odd):
    rows = make_rows(3, title=odd)
    assert CatalogueFields.guess([row | {"name": "A lamp"} for row in rows]).title == "name"


@pytest.mark.parametrize(
    ("role", "values"),
    [
        ("numbers", [1, 2.5, 3]),
        ("numbers", ["1", "2.50", "-3"]),
        ("booleans", [True, False, True]),
        ("booleans", ["true", "false", "true"]),
        ("dates", ["2024-05-31", "2024-05-31T10:00:00Z", "2024-05-31T10:00:00.5+02:00"]),
        ("keywords", ["steel", "cast iron", "steel"]),
        ("keywords", [["red", "blue"], ["red"], []]),
        ("keywords", ["0012", "0013", "12"]),
        ("objects", [{"a": 1}, {"b": "x"}, {"c": [1]}]),
    ],
)
def test_values_tell_the_role(role, values):
    fields = guess(extra=values)
    assert getattr(fields, role) == ("extra",)


@pytest.mark.parametrize(
    "values", [["http://a/1.jpg"] * 3, [1, "two", 3], [True, 1, 0], [None, "", []], [[1], [2], [3]]]
)
def test_links_mixtures_and_nothing_get_no_role(values):
    assert guess(extra=values) == guess()


def test_long_text_is_searched():
    fields = guess(care=["Wash it by hand and dry it flat in the shade"] * 3)
    assert fields.text == {"title": 2.0, "care": 1.0}
    assert fields.embed == ("title",)


def test_codes_are_keywords_although_they_look_like_numbers():
    assert guess(ean=[4006381333931, 4006381333948, 4006381333955]).keywords == ("ean",)


def test_a_long_list_of_floats_is_the_shops_own_vector():
    assert guess(embedding=[[0.5] * 16] * 3).vector == "embedding"
    assert guess(dimensions=[[0.5, 1.0, 2.0]] * 3).vector is None


@pytest.mark.parametrize(("name", "role"), [("list_price", "price"), ("units_sold", "popularity")])
def test_price_and_popularity_go_by_name_and_are_no_further_numbers(name, role):
    fields = guess(**{name: [1, 2, 3]})
    assert getattr(fields, role) == name
    assert fields.numbers == ()


def test_a_price_that_is_no_number_is_not_taken_for_one():
    assert guess(price=["EUR 3", "EUR 4", "on request"]).price is None


def test_reserved_names_get_no_role():
    assert guess(_id=["a", "b", "c"], endcap=[{}, {"row": 1}, {}]) == guess()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "A lamp"}, 'no field looks like the id among name: write id = "…"'),
        ({"id": "1", "colour": "red"}, "no field looks like the title among id, colour"),
        ({}, "no field looks like the id among none"),
    ],
)
def test_without_id_or_title_the_operator_is_asked(row, said):
    with pytest.raises(FieldsError) as raised:
        CatalogueFields.guess([row])
    assert said in str(raised.value)
