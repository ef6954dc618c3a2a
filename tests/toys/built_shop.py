"""A catalogue that endcap built, on either engine, and what its generation must say of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import CatalogueFields, Files
from endcap_indexer.catalogue.text import clean
from endcap_indexer.generations import (
    Catalogue,
    Followed,
    Follower,
    Generation,
    IndexSettings,
    Reindexed,
    generation_folder,
    reindex,
)

FIELDS = CatalogueFields(
    text={"title": 2.0, "attributes": 1.0},
    embed=("title", "brand", "attributes"),
    objects=("attributes",),
    keywords=("brand",),
    price="price",
    numbers=("weight",),
    analyzer="standard",
)


def row(number: int, edition: str = "first") -> dict[str, Any]:
    """A product that every reader has something to clean in."""
    return {
        "id": f"p{number}",
        "title": f"<b>Lamp</b> &amp;amp; {number}  {edition}",
        "brand": ["Alder &amp; sons", edition],
        "attributes": {"wood": "oak &lt;3", "watts": number},
        "price": f"{number + 0.5}",
        "weight": number / 3,
    }


class BuiltShop:
    """`index` is the alias; every name begins with it."""

    def __init__(
        self,
        client: OpenSearch,
        store: Path,
        index: str,
        encoder: Any,
        fields: CatalogueFields = FIELDS,
        settings: IndexSettings = IndexSettings(),
    ) -> None:
        self.client, self.store, self.index, self.encoder = client, store, index, encoder
        self.fields, self.settings = fields, settings

    def build(self, rows: Sequence[Mapping[str, Any]], **options: Any) -> Reindexed:
        path = self.store.parent / f"{self.index}.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in rows))
        catalogue = Catalogue(Files(path), self.fields)
        return reindex(
            self.client, self.store, self.index, catalogue, self.encoder, self.settings, **options
        )

    def follow(self, **options: Any) -> Followed:
        return Follower(self.client, self.store, self.index, lambda _: self.encoder).run(**options)

    def documents(self) -> dict[str, dict[str, Any]]:
        """What is live, by id."""
        self.client.indices.refresh(index=self.index)
        answer = self.client.search(index=self.index, body={"size": 1000})
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def live(self) -> str:
        (name,) = self.client.indices.get_alias(name=self.index)
        return str(name)

    def generation(self) -> Generation:
        return Generation.open(generation_folder(self.store, self.live()))

    def assert_followed(self) -> Generation:
        """The generation holds what the documents say, and they hold their rows."""
        generation, documents = self.generation(), self.documents()
        assert sorted(generation.ids(generation.present_rows())) == sorted(documents)
        rows = generation.rows(list(documents))
        assert [each["endcap"]["row"] for each in documents.values()] == rows.tolist()
        prices = [each.get("price", np.nan) for each in documents.values()]
        np.testing.assert_allclose(generation.columns["price"][rows], prices)
        texts = [said_by(each) for each in documents.values()]
        np.testing.assert_allclose(
            self._vectors(generation, documents), self.encoder.encode_queries(texts), atol=2e-3
        )
        return generation

    def _vectors(self, generation: Generation, documents: Mapping[str, Any]) -> Any:
        if self.settings.vectors == "folder":
            return generation.index.vectors(generation.rows(list(documents)))
        return np.array([each["endcap"]["vector"] for each in documents.values()])

    def remove(self) -> None:
        self.client.indices.delete(
            index=f"{self.index}-*", params={"allow_no_indices": "true", "expand_wildcards": "all"}
        )


def said_by(document: Mapping[str, Any]) -> str:
    """The text that is embedded, of documents as `row` and these tests make them."""
    brand = document.get("brand", [])
    brands = brand if isinstance(brand, list) else [brand]
    parts = [document["title"], *brands, *document.get("attributes", {}).values()]
    return " ".join(clean(str(part)) for part in parts)
