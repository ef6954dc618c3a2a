"""A data folder as a shop: its files by their names, and its catalogue indexed once.

A folder holds products, and any of judgments, interactions and search_test, each as .jsonl, .csv or
.tsv, also gzipped.
"""

import functools
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from endcap import SearchClient, connect
from endcap.cli.progress import TerminalProgress
from endcap.cli.terminal import say, say_bad_rows
from endcap.event_sources import read_files, read_interactions
from endcap.exceptions import EndcapError
from endcap_indexer.catalogue import BadRows, CatalogueFields, Files, digest_of, read_rows
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Catalogue, Generation, generation_folder, reindex
from endcap_reranker import Interactions

SUFFIXES = (".tsv", ".jsonl", ".csv", ".tsv.gz", ".jsonl.gz", ".csv.gz")
CACHE = Path(".cache/benchmarks")
INDEX = "products"
SAMPLE = 500  # rows that the guess of the fields looks at


class MissingFileError(EndcapError):
    """The data folder lacks a file that a benchmark needs."""


@dataclass(frozen=True)
class DataFolder:
    """The files of one shop."""

    path: Path

    def find(self, stem: str) -> Path | None:
        """The file of this name, whatever its format."""
        return next(
            (file for suffix in SUFFIXES if (file := self.path / f"{stem}{suffix}").exists()), None
        )

    def require(self, stem: str) -> Path:
        """MissingFileError names the file and the formats that it may have."""
        file = self.find(stem)
        if file is None:
            formats = ", ".join(SUFFIXES)
            raise MissingFileError(f"{self.path} has no {stem} file ({stem} with {formats})")
        return file

    def fields(self) -> CatalogueFields:
        """Guessed from the first products."""
        rows = islice(read_rows(self.require("products"), on_bad_row=BadRows()), SAMPLE)
        return CatalogueFields.guess([row.values for row in rows])

    def events(self, console: Console) -> "Events":
        """Each user's products at their last events, oldest first; bad rows are said."""
        file, bad_rows = self.require("interactions"), BadRows()
        rows = read_files([file], bad_rows)
        interactions = read_interactions(rows, bad_rows, identify=lambda kind, name: name)
        say_bad_rows(console, bad_rows)
        assert interactions.user_keys is not None  # as identify makes them
        users = {key.decode(): number for number, key in enumerate(interactions.user_keys.tolist())}
        return Events(interactions.distinct(), users)


class Events(NamedTuple):
    """users: the number of each user in the interactions."""

    interactions: Interactions
    users: dict[str, int]


@dataclass(frozen=True)
class Shop:
    """A data folder whose catalogue is indexed."""

    folder: DataFolder
    fields: CatalogueFields
    store: Path

    def open(self, store: Path | None = None) -> SearchClient:
        """A client on the shop's index, with the artefacts of `store` or its own."""
        return connect(self.store / "engine", store=store or self.store)


def open_shop(data: Path, store: Path | None, model: str, console: Console) -> Shop:
    """Index the catalogue, unless it is indexed already: encoding is the slow part."""
    folder = DataFolder(data)
    products = folder.require("products")
    fields = folder.fields()
    store = store or CACHE / digest_of([products])[:16]
    encoder = open_encoder(model, store, say=functools.partial(say, console))
    bad_rows = BadRows()
    shop = Shop(folder, fields, store)
    with shop.open() as client, TerminalProgress(console) as progress:
        source = Catalogue(Files(products), fields, bad_rows)
        reindex(client, store, INDEX, source, encoder, progress=progress)
    say_bad_rows(console, bad_rows)
    return shop


def live_generation(client: SearchClient, store: Path) -> Generation:
    """The arrays of the generation that the index's alias names."""
    (name,) = client.indices.get_alias(name=INDEX)
    return Generation.open(generation_folder(store, name))
