import pytest

from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.exceptions import FieldsError

TABLE = {
    "id": "sku",
    "title": "name",
    "text": {"name": 2, "brand": 1.0, "specs": 0.8},
    "embed": ["name", "blurb"],
    "objects": ["specs"],
    "keywords": ["brand"],
    "booleans": ["in_stock"],
    "numbers": ["rating"],
    "dates": ["released"],
    "category": "path",
    "price": "amount",
    "popularity": "sold",
    "vector": "embedding",
    "analyzer": "standard",
    "embed_characters": 200,
}


def test_a_table_gives_every_role():
    fields = CatalogueFields.from_table(TABLE)
    assert fields == CatalogueFields(
        id="sku",
        title="name",
        text={"name": 2.0, "brand": 1.0, "specs": 0.8},
        embed=("name", "blurb"),
        objects=("specs",),
        keywords=("brand",),
        booleans=("in_stock",),
        numbers=("rating",),
        dates=("released",),
        category="path",
        price="amount",
        popularity="sold",
        vector="embedding",
        analyzer="standard",
        embed_characters=200,
    )
    assert fields.to_table() == TABLE


def test_an_empty_table_searches_and_embeds_the_title():
    fields = CatalogueFields.from_table({})
    assert (fields.id, fields.title, fields.text, fields.embed) == (
        "id",
        "title",
        {"title": 2.0},
        ("title",),
    )


def test_text_may_be_a_list_of_fields_of_equal_boost():
    assert CatalogueFields.from_table({"text": ["title", "brand"]}).text == {
        "title": 1.0,
        "brand": 1.0,
    }


def test_columns_are_named_by_role_and_numbers_by_field():
    assert CatalogueFields.from_table(TABLE).columns == ("price", "popularity", "rating")
    assert CatalogueFields().columns == ()


def test_query_fields_carry_boosts_and_the_name_of_derived_text():
    fields = CatalogueFields.from_table(TABLE)
    assert fields.query_fields == ("name^2", "brand^1", "endcap.specs^0.8")


def test_describe_has_one_line_for_each_field():
    assert CatalogueFields.from_table(TABLE).describe() == [
        "sku        id",
        "name       title, text with boost 2, embedded",
        "brand      keyword, text with boost 1",
        "specs      free attributes, text with boost 0.8",
        "blurb      embedded",
        "in_stock   boolean",
        "rating     number",
        "released   date",
        "path       category",
        "amount     price",
        "sold       popularity",
        "embedding  vector",
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"titel": "x"}, "catalogue.titel: unknown key; known are analyzer, booleans, category"),
        ({"title": 3}, 'catalogue.title is 3; write the name of a field, such as "title"'),
        ({"title": ""}, "catalogue.title is ''; write the name of a field"),
        ({"price": ["a"]}, "catalogue.price is ['a']; write the name of a field"),
        ({"embed": "title"}, "catalogue.embed is 'title'; write a list of fields"),
        ({"keywords": [1]}, "catalogue.keywords is [1]; write a list of fields"),
        ({"text": "title"}, "catalogue.text is 'title'; write the fields with their boosts"),
        ({"text": {"title": "2"}}, "write the fields with their boosts"),
        ({"text": {"title": True}}, "write the fields with their boosts"),
        ({"text": {"title": 0}}, "catalogue.text.title is 0.0; write a boost above 0"),
        ({"text": {"title": float("inf")}}, "catalogue.text.title is inf; write a boost above 0"),
        ({"analyzer": "german"}, "catalogue.analyzer is 'german'; write english or standard"),
        ({"embed_characters": 0}, "catalogue.embed_characters is 0; write a whole number from 1"),
        ({"embed_characters": True}, "catalogue.embed_characters is True; write a whole number"),
        ({"keywords": ["_id"]}, "the field '_id' has a reserved name"),
        ({"price": "endcap"}, "the field 'endcap' has a reserved name"),
        ({"dates": ["title"]}, "'title' stands under dates and under text; keep one"),
        ({"numbers": ["x"], "keywords": ["x"]}, "'x' stands under numbers and under keywords"),
        ({"price": "x", "popularity": "x"}, "'x' stands under price and under popularity"),
        ({"price": "amount", "numbers": ["price"]}, "'price', the name of a role"),
    ],
)
def test_a_wrong_table_names_the_key_and_what_to_write(table, said):
    with pytest.raises(FieldsError) as raised:
        CatalogueFields.from_table(table)
    assert said in str(raised.value)


def test_the_id_may_be_searched_and_text_may_be_a_keyword():
    fields = CatalogueFields.from_table(
        {"id": "sku", "text": {"title": 2.0, "sku": 1.0}, "keywords": ["title", "sku"]}
    )
    assert fields.query_fields == ("title^2", "sku^1")


def test_whether_the_roles_are_guessed_is_no_key_of_the_table():
    guessed = CatalogueFields.guess([{"id": "1", "title": "Tea"}])
    assert guessed.guessed
    assert "guessed" not in guessed.to_table()
    assert not CatalogueFields.from_table(guessed.to_table()).guessed
    with pytest.raises(FieldsError, match=r"catalogue\.guessed: unknown key"):
        CatalogueFields.from_table({"guessed": True})
