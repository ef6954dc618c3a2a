"""The toy shop in an index that the shop fills itself: three shards, synonyms, nested variants."""

from opensearchpy import OpenSearch

BODY = {
    "settings": {
        "number_of_shards": 3,
        "number_of_replicas": 0,
        "analysis": {
            "filter": {
                "shop_synonyms": {"type": "synonym_graph", "synonyms": ["crimson, scarlet"]}
            },
            "analyzer": {
                "shop_words": {
                    "tokenizer": "standard",
                    "filter": ["lowercase", "shop_synonyms"],
                }
            },
        },
    },
    "mappings": {
        "_meta": {"owner": "search team"},
        "properties": {
            "title": {"type": "text", "analyzer": "shop_words"},
            "brand": {"type": "keyword"},
            "kind": {"type": "keyword"},
            "family": {"type": "keyword"},
            "price": {"type": "double"},
            "sales": {"type": "integer"},
            "variants": {"type": "nested", "properties": {"colour": {"type": "keyword"}}},
        },
    },
}


def put_products(client: OpenSearch, index: str, rows: list[dict]) -> None:
    """Index rows whole, by their ids, as a shop's own program does."""
    lines = []
    for row in rows:
        variants = [{"colour": word} for word in row["title"].split()[:1]]
        lines += [{"index": {"_id": row["id"]}}, {**row, "variants": variants}]
    answer = client.bulk(index=index, body=lines, params={"refresh": "true"})
    assert not answer["errors"], answer
