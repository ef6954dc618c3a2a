"""A shop whose products tell the edition they came from: a mixture of two editions shows."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from toy_encoder import write_toy_encoder

import endcap
from endcap.configuration import Configuration
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Generation, generation_folder

EMBEDDED, SERVER = ENGINES = ("embedded", "opensearch")
PRODUCTS = 40
EDITIONS = 1000
DIMENSION = 12
CONFIGURATION = """\
[catalogue]
text = {{title = 2.0}}
embed = ["title"]
keywords = ["brand"]
price = "price"
analyzer = "standard"

[encoder]
model = "{encoder}"
"""
LAMPS = {"query": {"match": {"title": "lamp"}}, "size": 10}


def product(number: int, edition: int) -> dict[str, Any]:
    title = f"lamp n{number} e{edition}"
    return {
        "id": f"p{number}",
        "title": title,
        "brand": f"e{edition}",
        "price": edition + number / 1024,
    }


def write_words(folder: Path, products: int) -> Path:
    """An encoder that tells each product and each edition by a vector of its own."""
    rng = np.random.default_rng(0)
    words = ["lamp", *(f"n{n}" for n in range(products)), *(f"e{n}" for n in range(EDITIONS))]
    return write_toy_encoder(folder, {word: rng.standard_normal(DIMENSION) for word in words})


class Answer(NamedTuple):
    """What a shopper sees. editions: those of the hits."""

    total: int
    editions: frozenset[int]
    extension: Mapping[str, Any]


class EditionShop:
    """The shop in one engine and store. engine: a server's URL, or a folder."""

    def __init__(
        self, engine: str, folder: Path, alias: str = "lamps", products: int = PRODUCTS
    ) -> None:
        self.engine, self.alias, self.products = engine, alias, products
        self.store = folder / "store"
        self.catalogue = folder / "catalogue.jsonl"
        encoder = write_words(folder / "words", products)
        self.encoder = open_encoder(str(encoder), self.store, device="cpu")
        self._configuration = folder / "endcap.toml"
        self._configuration.write_text(CONFIGURATION.format(encoder=encoder))

    @property
    def place(self) -> str:
        return "a server" if self.engine.startswith("http") else "the embedded engine"

    def client(self, **options: Any) -> endcap.SearchClient:
        return endcap.connect(self.engine, store=self.store, **options)

    def command(self, name: str, *arguments: str) -> list[str]:
        """What is typed behind `endcap`."""
        places = ["--engine", self.engine, "--store", str(self.store), "--index", self.alias]
        return [name, *arguments, *places, "--config", str(self._configuration)]

    def configuration(self) -> Configuration:
        return Configuration.read(self._configuration)

    def follow(self) -> list[str]:
        places = ["--engine", self.engine, "--store", str(self.store)]
        return ["follow", self.alias, *places, "--config", str(self._configuration)]

    def reindex(self, *arguments: str) -> list[str]:
        return self.command("reindex", str(self.catalogue), *arguments)

    def write(self, edition: int, numbers: Iterable[int] | None = None) -> dict[str, int]:
        """A catalogue of one edition; what `read` then finds."""
        numbers = range(self.products) if numbers is None else numbers
        rows = [product(number, edition) for number in numbers]
        self.catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return {row["id"]: edition for row in rows}

    def search(self, client: endcap.SearchClient, body: Mapping[str, Any] = LAMPS) -> Answer:
        answer = client.search(index=self.alias, body=body)
        hits = answer["hits"]["hits"]
        editions = frozenset(int(hit["_source"]["brand"][1:]) for hit in hits)
        return Answer(answer["hits"]["total"]["value"], editions, answer["ext"]["endcap"])

    def generation(self, client: endcap.SearchClient) -> Generation:
        """The one that the alias leads to."""
        (index,) = client.indices.get_alias(name=self.alias)
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]["endcap"]
        assert meta["generation"] == index
        return Generation.open(generation_folder(self.store, index))

    def followed(self, client: endcap.SearchClient) -> dict[str, int]:
        """The edition of each product by its id, as the store has it."""
        generation = self.generation(client)
        rows = generation.present_rows()
        prices = generation.columns["price"][rows].astype(int).tolist()
        return dict(zip(generation.ids(rows), prices, strict=True))

    def read(self, client: endcap.SearchClient, besides: Collection[str] = ()) -> dict[str, int]:
        """The edition of each product by its id, wherever it is kept: in its document, its vector
        and its columns, which one name leads to. The name is asked for once: a server may swap
        after the process that told it to has died. besides: ids of others, which are not read.
        """
        generation = self.generation(client)
        index = generation.name
        body = {"size": 10_000, "query": {"match_all": {}}}
        found = client.search(index=index, body=body, endcap=False)["hits"]
        assert len(found["hits"]) == found["total"]["value"]
        sources = {hit["_id"]: hit["_source"] for hit in found["hits"] if hit["_id"] not in besides}
        assert set(generation.ids(generation.present_rows())) - set(besides) == set(sources)
        rows = np.array([source["endcap"]["row"] for source in sources.values()], np.int64)
        assert generation.rows(list(sources)).tolist() == rows.tolist()
        titles = [source["title"] for source in sources.values()]
        vectors = self.encoder.encode_products(titles)
        np.testing.assert_allclose(generation.index.vectors(rows), vectors, atol=2e-3)
        prices = np.array([source["price"] for source in sources.values()], np.float32)
        np.testing.assert_array_equal(generation.columns["price"][rows], prices)
        editions = {id: int(source["brand"][1:]) for id, source in sources.items()}
        expected = [product(int(id[1:]), edition)["title"] for id, edition in editions.items()]
        assert titles == expected
        return editions
