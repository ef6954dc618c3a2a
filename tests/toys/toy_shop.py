"""A toy shop whose words have known neighbours: synonyms share a vector, others are apart."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from toy_encoder import write_toy_encoder

from endcap_indexer.catalogue import CatalogueFields, Files
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Catalogue, Gates, IndexSettings, reindex

SYNONYMS = [
    ("sofa", "couch"), ("jacket", "coat"), ("lamp", "light"), ("red", "crimson"), ("blue", "navy"),
    ("small", "little"), ("warm", "cosy"), ("oak",), ("steel",), ("linen",), ("wool",),
]  # fmt: skip
NOUNS = ("sofa", "couch", "jacket", "coat", "lamp", "light")
COLOURS = ("red", "crimson", "blue", "navy")
BRANDS = ("Alder", "Birch", "Cedar")
ANY_NUMBER = Gates(least_share=0.0)  # of products: a test may leave a few of them
FOLDER = IndexSettings("folder")
FIELDS = CatalogueFields(
    text={"title": 2.0, "brand": 1.0},
    embed=("title",),
    keywords=("brand", "kind", "family"),
    price="price",
    popularity="sales",
)


def products(count: int = 72) -> list[dict]:
    """Every noun in every colour, a family, of every brand; the price is the product's number."""
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
                "family": f"{colour}-{noun}",
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


def build_shop(
    client,
    store: Path,
    encoder_folder: Path,
    rows: Iterable[dict],
    index: str,
    settings: IndexSettings = FOLDER,
):
    """Reindexes the products into a store."""
    path = store / "catalogue.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    encoder = open_encoder(str(encoder_folder), store, device="cpu")
    catalogue = Catalogue(Files(path), FIELDS)
    return reindex(client, store, index, catalogue, encoder, settings, gates=ANY_NUMBER)
