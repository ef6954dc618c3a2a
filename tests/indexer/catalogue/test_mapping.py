from endcap_indexer.catalogue import CatalogueFields, index_body, text_query

FIELDS = CatalogueFields(
    id="sku",
    text={"title": 2.0, "brand": 1.0, "categories": 1.0, "attributes": 0.8},
    objects=("attributes", "images"),
    keywords=("brand", "material"),
    booleans=("in_stock",),
    numbers=("rating",),
    dates=("released",),
    category="categories",
    price="price",
    popularity="sold",
    vector="embedding",
)
TEXT = {"type": "text", "analyzer": "english"}
TEXT_AND_KEYWORD = TEXT | {"fields": {"keyword": {"type": "keyword"}}}


def test_every_role_has_its_type():
    assert index_body(FIELDS)["mappings"]["properties"] == {
        "sku": {"type": "keyword"},
        "title": TEXT,
        "brand": TEXT_AND_KEYWORD,
        "categories": TEXT_AND_KEYWORD,
        "material": {"type": "keyword"},
        "in_stock": {"type": "boolean"},
        "rating": {"type": "double"},
        "price": {"type": "double"},
        "sold": {"type": "double"},
        "released": {"type": "date"},
        "attributes": {"type": "object", "enabled": False},
        "images": {"type": "object", "enabled": False},
        "endcap": {
            "dynamic": False,
            "properties": {"row": {"type": "integer"}, "attributes": TEXT},
        },
    }


def test_a_field_without_a_role_is_not_mapped():
    assert index_body(FIELDS)["mappings"]["dynamic"] is False


def test_meta_and_settings():
    body = index_body(FIELDS, meta={"generation": 17}, shards=2, replicas=1, refresh_interval="-1")
    assert body["mappings"]["_meta"] == {"endcap": {"generation": 17}}
    assert body["settings"]["index"] == {
        "number_of_shards": 2,
        "number_of_replicas": 1,
        "refresh_interval": "-1",
    }


def test_the_analyzer_is_that_of_the_fields():
    properties = index_body(CatalogueFields(analyzer="standard"))["mappings"]["properties"]
    assert properties["title"] == {"type": "text", "analyzer": "standard"}


def test_the_query_asks_every_text_field_with_its_boost():
    assert text_query(FIELDS.query_fields, "red lamp") == {
        "multi_match": {
            "query": "red lamp",
            "type": "cross_fields",
            "fields": ["title^2", "brand^1", "categories^1", "endcap.attributes^0.8"],
        }
    }
