"""Field roles to what the engine is told: the body of an index, and the default query."""

from collections.abc import Mapping, Sequence
from typing import Any

from endcap_indexer.catalogue.fields import CatalogueFields

OURS = "endcap"  # the one key of a document under which everything of ours stands
VECTOR_FIELD = "endcap.vector"
ROW_FIELD = "endcap.row"  # in which a document holds its row in the generation's arrays


def index_body(
    fields: CatalogueFields,
    *,
    meta: Mapping[str, Any] | None = None,
    shards: int = 1,
    replicas: int = 0,
    refresh_interval: str = "1s",
    vector: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Settings and mappings; `meta` stands under `_meta.endcap`. No role: stored only.

    vector: the mapping of `endcap.vector`; None where the vectors do not lie in the engine.
    """
    return {
        "settings": {
            "index": {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
                "refresh_interval": refresh_interval,
                **({} if vector is None else {"knn": True}),
            }
        },
        "mappings": {
            "_meta": {"endcap": dict(meta or {})},
            "dynamic": False,
            "properties": _properties(fields, vector),
        },
    }


def text_query(fields: Sequence[str], text: str) -> dict[str, Any]:
    """The words of `text`, looked for in all fields (`title^2`) as if they were one."""
    return {"multi_match": {"query": text, "type": "cross_fields", "fields": list(fields)}}


def _properties(fields: CatalogueFields, vector: Mapping[str, Any] | None) -> dict[str, Any]:
    text = {"type": "text", "analyzer": fields.analyzer}
    exact = {"keyword": {"type": "keyword"}}
    numbers = (*fields.numbers, *filter(None, (fields.price, fields.popularity)))
    keywords = (fields.id, *fields.keywords, *filter(None, (fields.category,)))
    derived = [name for name in fields.text if name in fields.objects]
    properties: dict[str, Any] = {name: {"type": "keyword"} for name in keywords}
    properties |= {
        name: text | ({"fields": exact} if name in keywords else {})
        for name in fields.text
        if name not in fields.objects
    }
    properties |= {name: {"type": "double"} for name in numbers}
    properties |= {name: {"type": "boolean"} for name in fields.booleans}
    properties |= {name: {"type": "date"} for name in fields.dates}
    properties |= {name: {"type": "object", "enabled": False} for name in fields.objects}
    ours: dict[str, Any] = {"row": {"type": "integer"}} | dict.fromkeys(derived, text)
    ours |= {} if vector is None else {"vector": dict(vector)}
    return properties | {OURS: {"dynamic": False, "properties": ours}}
