"""An index as a shop has it on a server: analysers, nested fields and pipelines of its own."""

from opensearchpy import OpenSearch

from endcap_indexer.catalogue import CatalogueFields

MAPPINGS = {
    "dynamic": "strict",
    "date_detection": False,
    "_meta": {"shop": {"owner": "search team"}, "version": 7},
    "_routing": {"required": False},
    "dynamic_templates": [{"words": {"match": "word_*", "mapping": {"type": "keyword"}}}],
    "properties": {
        "name": {
            "type": "text",
            "analyzer": "shop_words",
            "fields": {"raw": {"type": "keyword", "ignore_above": 99}},
        },
        "brand": {"properties": {"name": {"type": "keyword"}}},
        "price": {"type": "double"},
        "sales": {"type": "integer"},
        "variants": {
            "type": "nested",
            "properties": {"note": {"type": "text"}, "stock": {"type": "integer"}},
        },
        "log": {"type": "keyword"},
        "shown": {"type": "boolean"},
    },
}
ANALYSIS = {
    "filter": {
        "shop_synonyms": {"type": "synonym_graph", "synonyms": ["sofa, couch", "tv, television"]}
    },
    "analyzer": {
        "shop_words": {
            "type": "custom",
            "tokenizer": "standard",
            "filter": ["lowercase", "shop_synonyms"],
        }
    },
}
FIELDS = CatalogueFields(
    id="_id",
    title="name",
    text={"name": 2.0},
    embed=("name", "variants.note"),
    price="price",
    popularity="sales",
)


class PipedShop:
    """The index, and the programs that write to it.

    Its ingest pipeline logs every indexing, its search pipeline hides what is not shown.
    """

    def __init__(self, client: OpenSearch, name: str) -> None:
        self.client, self.name = client, name

    def create(self) -> None:
        logging = {"processors": [{"append": {"field": "log", "value": "indexed"}}]}
        self.client.ingest.put_pipeline(id=self.name, body=logging)
        hiding = {"request_processors": [{"filter_query": {"query": {"term": {"shown": True}}}}]}
        self.client.http.put(f"/_search/pipeline/{self.name}", body=hiding)
        settings = {
            "number_of_shards": 3,
            "number_of_replicas": 0,
            "default_pipeline": self.name,
            "search.default_pipeline": self.name,
            "analysis": ANALYSIS,
        }
        self.client.indices.create(
            index=self.name, body={"settings": settings, "mappings": MAPPINGS}
        )

    def remove(self) -> None:
        self.client.indices.delete(index=self.name, ignore=404)
        self.client.ingest.delete_pipeline(id=self.name)
        self.client.http.delete(f"/_search/pipeline/{self.name}")

    def put(self, *numbers: int, edition: str = "first") -> None:
        """Index whole documents, as a shop does that knows nothing of endcap."""
        lines: list[dict[str, object]] = []
        for n in numbers:
            lines += [{"index": {"_id": f"p{n}"}}, make_document(n, edition)]
        answer = self.client.bulk(index=self.name, body=lines)
        assert not answer["errors"], answer

    def delete(self, *numbers: int) -> None:
        for n in numbers:
            self.client.delete(index=self.name, id=f"p{n}")

    def documents(self) -> dict[str, dict]:
        """All hits by id, hidden ones too."""
        self.client.indices.refresh(index=self.name)
        body = {"size": 1000, "seq_no_primary_term": True, "version": True}
        answer = self.client.search(index=self.name, body=body, params={"search_pipeline": "_none"})
        return {hit["_id"]: hit for hit in answer["hits"]["hits"]}

    def mappings(self) -> dict:
        return self.client.indices.get_mapping(index=self.name)[self.name]["mappings"]


def make_document(n: int, edition: str = "first") -> dict[str, object]:
    return {
        "name": f"sofa <b>{n}</b>",
        "brand": {"name": edition},
        "price": n + 0.5,
        "sales": n % 5,
        "variants": [{"note": f"{edition} {n}", "stock": 1}, {"note": "oak", "stock": 0}],
        "shown": n % 2 == 0,
    }


def said_by(source: dict) -> str:
    """The text that is embedded of a document."""
    notes = " ".join(variant["note"] for variant in source.get("variants", []))
    name = source.get("name", "").replace("<b>", "").replace("</b>", "")
    return " ".join(filter(None, [name, notes]))
