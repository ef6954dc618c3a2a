"""Hits and rows find each other by doc values or by `_id`: what is answered is the same."""

import pytest

import endcap
from endcap_indexer.generations import Generation, generation_folder

QUERIES = [
    {"query": {"match": {"title": "sofa"}}},
    {"query": {"match": {"title": "crimson couch"}}, "size": 30},
    {
        "query": {
            "bool": {
                "must": [{"match": {"title": "warm jacket"}}],
                "filter": [{"range": {"price": {"lt": 12}}}],
            }
        },
        "size": 30,
    },
    {"query": {"match": {"title": "lamp"}}, "sort": ["_score", {"price": "desc"}], "from": 5},
]
HISTORY = {"endcap": {"history": ["p004", "p005"], "explain": True}}


def name_in_meta(client, **facts):
    """Change what the live index says of its generation."""
    (index,) = client.indices.get_alias(name="products")
    meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    body = {"_meta": {**meta, "endcap": {**meta["endcap"], **facts}}}
    client.indices.put_mapping(index=index, body=body)


def told(answer):
    """Everything but the time and the reason."""
    del answer["took"]
    for key in ("took_ms", "reason"):
        del answer["ext"]["endcap"][key]
    return answer


@pytest.mark.parametrize("body", QUERIES)
def test_documents_without_rows_are_answered_the_same(reader, store, body):
    with endcap.connect(store) as client:
        name_in_meta(client, row_field=None)
        by_id = client.search({**body, "ext": HISTORY}, "products")
    assert "asked for by _id, which is slower" in by_id["ext"]["endcap"]["reason"]
    by_row = reader.search({**body, "ext": HISTORY}, "products")
    assert by_row["ext"]["endcap"]["reason"] is None
    assert told(by_id) == told(by_row)


def test_a_document_of_a_later_row_is_asked_for_by_id(client, store):
    """A reader that has not seen a product's segment yet finds it by its words."""
    rows = len(Generation.open(generation_folder(store, "products-000001")))
    document = {"title": "red sofa", "endcap": {"row": rows}}
    client.index(index="products", id="later", body=document, refresh=True)
    answer = client.search({"query": {"match": {"title": "red sofa"}}, "size": 100}, "products")
    assert answer["ext"]["endcap"]["applied"] is True
    assert "later" in [hit["_id"] for hit in answer["hits"]["hits"]]


def test_a_folder_of_another_build_is_not_used(client):
    name_in_meta(client, created="2020-01-01T00:00:00+00:00")
    extension = client.search(QUERIES[0], "products")["ext"]["endcap"]
    assert extension["applied"] is False
    assert "the store is not the one it was built in" in extension["reason"]
