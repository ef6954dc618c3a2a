import json
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from importlib import import_module
from uuid import uuid4

import numpy as np
import pytest
from built_shop import BuiltShop
from opensearchpy import OpenSearch
from piped_shop import FIELDS as PIPED_FIELDS
from piped_shop import PipedShop, said_by

from endcap_indexer.catalogue import CatalogueFields, Files
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.generations import (
    Catalogue,
    Follower,
    Generation,
    IndexSettings,
    attach,
    generation_folder,
    reindex,
)

FIELDS = CatalogueFields(
    text={"title": 2.0}, keywords=("brand",), price="price", analyzer="standard"
)


class ToyEncoder:
    """A unit vector that only the text decides; it remembers what it was asked to encode."""

    def __init__(self, name: str = "toy-1", dimension: int = 8) -> None:
        self.name = name
        self.dimension = dimension
        self.encoded: list[str] = []

    def encode_products(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        seeds = [blake2b(text.encode(), digest_size=8).digest() for text in texts]
        rows = [
            np.random.default_rng(int.from_bytes(seed)).standard_normal(self.dimension)
            for seed in seeds
        ]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_rows(count: int, edition: str = "first") -> list[dict[str, object]]:
    """Products whose every field tells the edition of the catalogue that they came from."""
    return [
        {"id": f"p{n}", "title": f"lamp {n} {edition}", "brand": edition, "price": n + 0.5}
        for n in range(count)
    ]


@pytest.fixture
def encoder():
    return ToyEncoder()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(store):
    with OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine")) as client:
        yield client


@pytest.fixture
def build(client, store, encoder):
    """Reindex `products` with the toy encoder."""

    def run(catalogue, encoder=encoder, **options):
        return reindex(client, store, "products", catalogue, encoder, **options)

    return run


@pytest.fixture
def write_catalogue(tmp_path):
    """Write a catalogue of so many products of an edition, or of the rows that are given."""

    def write(count=30, edition="first", rows=None, fields=FIELDS, **facts):
        path = tmp_path / "products.jsonl"
        rows = make_rows(count, edition) if rows is None else rows
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return Catalogue(Files(path), fields, **facts)

    return write


@pytest.fixture
def edition_rows():
    """Thirty rows of an edition."""
    return partial(make_rows, 30)


@pytest.fixture
def as_catalogue():
    """A source with the fields of those rows."""
    return lambda source, **facts: Catalogue(source, FIELDS, **facts)


@pytest.fixture
def read_live(client, store, encoder):
    """The edition that shoppers see: every part of it must be there, and of one edition."""

    def read() -> tuple[str, int]:
        (index,) = client.indices.get_alias(name="products")
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]["endcap"]
        generation = Generation.open(generation_folder(store, meta["generation"]))
        assert generation.name == index
        answer = client.search(index="products", body={"size": 1000, "query": {"match_all": {}}})
        products = [hit["_source"] for hit in answer["hits"]["hits"]]
        assert len(products) == len(generation) == client.count(index="products")["count"]
        rows = np.array([product["endcap"]["row"] for product in products])
        assert sorted(rows) == list(range(len(generation)))
        assert generation.ids(rows) == [product["id"] for product in products]
        vectors = encoder.encode_queries([product["title"] for product in products])
        np.testing.assert_allclose(generation.index.vectors(rows), vectors, atol=1e-3)
        prices = [product["price"] for product in products]
        np.testing.assert_allclose(generation.columns["price"][rows], prices)
        (edition,) = {product["brand"] for product in products}
        return edition, len(products)

    return read


@pytest.fixture
def chunks_of_ten(monkeypatch):
    module = import_module("endcap_indexer.generations.reindex")  # the package has its function
    monkeypatch.setattr(module, "CHUNK_PRODUCTS", 10)


@pytest.fixture
def server(opensearch_url):
    with OpenSearch(opensearch_url, timeout=60) as client:
        yield client


@pytest.fixture
def shop(server):
    """Forty documents and an empty one on three shards."""
    shop = PipedShop(server, f"shop-{uuid4().hex[:12]}")
    shop.create()
    try:
        shop.put(*range(40))
        server.index(index=shop.name, id="empty", body={})
        yield shop
    finally:
        shop.remove()


@pytest.fixture
def attach_shop(shop, store, encoder):
    """Attach the shop's index with the toy encoder."""

    def run(name=shop.name, fields=PIPED_FIELDS, encoder=encoder, **options):
        return attach(shop.client, store, name, fields, encoder, **options)

    return run


@pytest.fixture
def follower(shop, store, encoder):
    return Follower(shop.client, store, shop.name, lambda name: encoder)


@pytest.fixture
def assert_followed(shop, store, encoder):
    """The generation that the index names holds what the documents say, and nothing else."""

    def check(*, rows: bool) -> Generation:
        meta = shop.mappings()["_meta"]["endcap"]
        generation = Generation.open(generation_folder(store, meta["generation"]))
        documents = shop.documents()
        assert generation.products == len(documents)
        held = generation.rows(list(documents))
        assert (held >= 0).all()
        sources = [hit["_source"] for hit in documents.values()]
        texts = [said_by(source) for source in sources]
        vectors = encoder.encode_queries(texts)
        vectors[[not text for text in texts]] = np.nan
        np.testing.assert_allclose(generation.index.vectors(held), vectors, atol=1e-3)
        prices = [source.get("price", np.nan) for source in sources]
        np.testing.assert_allclose(generation.columns["price"][held], prices)
        if rows:
            assert [source["endcap"]["row"] for source in sources] == held.tolist()
        else:
            assert not any("endcap" in source for source in sources)
        return generation

    return check


@pytest.fixture
def built_index():
    """An alias that no other test has."""
    return f"built-{uuid4().hex[:12]}"


@pytest.fixture(params=["embedded", "server"])
def either(request, built_index):
    """A client of each engine; what is named like `built_index` goes afterwards."""
    client = request.getfixturevalue("client" if request.param == "embedded" else "server")
    yield client
    client.indices.delete(index=f"{built_index}*", params={"allow_no_indices": "true"})


PLACES = {"embedded": "folder", "server": "folder", "cluster": "opensearch"}


@pytest.fixture(params=PLACES)
def built(request, store, built_index, encoder):
    """A shop that endcap builds: embedded, on the server, there with the vectors in the cluster."""
    client = request.getfixturevalue("client" if request.param == "embedded" else "server")
    settings = IndexSettings(PLACES[request.param])
    shop = BuiltShop(client, store, built_index, encoder, settings=settings)
    try:
        yield shop
    finally:
        shop.remove()
