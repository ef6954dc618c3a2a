"""A toy shop whose words have known neighbours: synonyms share a vector, others are apart."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from toy_encoder import write_toy_encoder

import endcap
from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Catalogue, reindex

SYNONYMS = [
    ("sofa", "couch"), ("jacket", "coat"), ("lamp", "light"), ("red", "crimson"), ("blue", "navy"),
    ("small", "little"), ("warm", "cosy"), ("oak",), ("steel",), ("linen",), ("wool",),
]  # fmt: skip
NOUNS = ("sofa", "couch", "jacket", "coat", "lamp", "light")
COLOURS = ("red", "crimson", "blue", "navy")
BRANDS = ("Alder", "Birch", "Cedar")
FIELDS = CatalogueFields(
    text={"title": 2.0, "brand": 1.0},
    embed=("title",),
    keywords=("brand", "kind"),
    price="price",
    popularity="sales",
)


def products(count: int = 72) -> list[dict]:
    """Every noun in every colour of every brand; the price is the product's number."""
    rows = []
    for number in range(count):
        noun = NOUNS[number % len(NOUNS)]
        colour = COLOURS[number // len(NOUNS) % len(COLOURS)]
        brand = BRANDS[number // (len(NOUNS) * len(COLOURS)) % len(BRANDS)]
        kind = next(words[0] for words in SYNONYMS if noun in words)
        rows.append(
            {
                "id": f"p{number:03}",
                "title": f"{colour} {noun}",
                "brand": brand,
                "kind": kind,
                "price": float(number),
                "sales": number % 7,
            }
        )
    return rows


def write_encoder(folder: Path) -> Path:
    """A synonym's vector is nearly its first word's."""
    axes = np.eye(len(SYNONYMS) + 1)
    vectors = {
        word: axes[place] + 0.05 * nth * axes[-1]
        for place, group in enumerate(SYNONYMS)
        for nth, word in enumerate(group)
    }
    return write_toy_encoder(folder, vectors)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "toy")


@pytest.fixture(scope="session")
def rebuild(encoder_folder):
    """Reindexes products into a store: `rebuild(client, store, rows)`."""

    def build(client, store: Path, rows: list[dict], index: str = "products"):
        path = store / "catalogue.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        encoder = open_encoder(str(encoder_folder), store, device="cpu")
        return reindex(client, store, index, Catalogue([path], FIELDS), encoder)

    return build


@pytest.fixture(scope="session")
def built_store(tmp_path_factory, rebuild) -> Path:
    """The toy shop, built once; tests that write take `store`, a copy."""
    store = tmp_path_factory.mktemp("store")
    with endcap.connect(store) as client:
        rebuild(client, store, products())
    return store


@pytest.fixture
def store(built_store, tmp_path) -> Path:
    return Path(shutil.copytree(built_store, tmp_path / "store"))


@pytest.fixture
def client(store):
    with endcap.connect(store) as client:
        yield client


@pytest.fixture(scope="session")
def reader(built_store):
    """A client on the shared store, for tests that only search."""
    with endcap.connect(built_store) as client:
        yield client
