"""Vectors in the store or in the cluster: one catalogue in both places of one server, asked alike.

`leg` is the vector leg alone, `search` a whole search of ten hits, both with known query vectors.
Every question is put to both places in turn; `ratio` is the median over the questions of the
cluster's time by the folder's. Conditions keep a fraction of the products: those of consecutive
rows. Recall is of the exact best min(100, allowed), before the similarity floor. Bytes are a
product's. A build's seconds are without embedding: the vectors are those of the build before it.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import numpy as np
from indexing import FreeEncoder, make_products
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from options import parser, run
from rich.console import Console
from server import open_server
from shop import DataFolder, Shop
from synthetic import make_queries

from endcap.accounts import Account
from endcap.bodies import Reading, read_body
from endcap.breakers import Breakers
from endcap.cli.terminal import say
from endcap.drivers import Executor, SyncDriver
from endcap.evaluation.comparison import Row
from endcap.keys import RowKeys
from endcap.neighbours import vector_leg
from endcap.opening import Snapshot
from endcap.plans import Plan
from endcap.product_vectors import ClusterVectors
from endcap.requests import SearchRequest, read_request
from endcap.serializer import FastJSONSerializer
from endcap.stages import Search
from endcap.steps import Call
from endcap.tuning import Tuning
from endcap_indexer.catalogue import ROW_FIELD, BadRows, Files, text_query
from endcap_indexer.encoder import Encoder, open_encoder
from endcap_indexer.files import remove_folder
from endcap_indexer.generations import (
    Catalogue,
    Generation,
    IndexSettings,
    generation_folder,
    list_generations,
    reindex,
)

PLACES = ("opensearch", "folder")  # in which they are built: exact search needs the folder's files
KEPT = (1.0, 0.5, 0.1, 0.01, 0.001)
WINDOW = 200
BEST = 100
NO_FLOOR = -1.0
WARM_UP = 10
PATIENCE_SECONDS = 600

T = TypeVar("T")


class KnownQueries:
    """The query vectors of a benchmark, each at hand."""

    def __init__(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self.lookup = vectors.get
        self.encode_query = vectors.__getitem__


class Built(NamedTuple):
    """A generation in one place."""

    snapshot: Snapshot
    seconds: float
    store_bytes: float  # a product
    engine_bytes: float


@dataclass(frozen=True)
class Bench:
    """One catalogue in both places, and what is asked of it."""

    driver: SyncDriver
    built: Mapping[str, Built]
    queries: Mapping[str, NDArray[np.float32]]

    @property
    def generation(self) -> Generation:
        """The one whose vectors are at hand."""
        return self.built["folder"].snapshot.generation


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="endcap-vectors-") as work:
        if options.size is None:
            data, store = DataFolder(options.data), options.store or Path(work)
            encoder: Encoder = open_encoder(
                options.model, store, say=functools.partial(say, console)
            )
        else:
            data, store, encoder = (
                write_synthetic(options.size, Path(work)),
                Path(work),
                FreeEncoder(),
            )
        with open_bench(data, store, encoder) as bench:
            return [row for kept in KEPT for row in measure_kept(bench, kept)]


def write_synthetic(size: int, folder: Path) -> DataFolder:
    with (folder / "products.jsonl").open("w") as file:
        file.writelines(json.dumps(product) + "\n" for product in make_products(size))
    return DataFolder(folder)


@contextmanager
def open_bench(data: DataFolder, store: Path, encoder: Encoder) -> Iterator[Bench]:
    """Indices that nobody else has, deleted in the end; a first build embeds."""
    catalogue = Catalogue(Files(data.require("products")), data.fields(), BadRows())
    texts = make_queries(Shop(data, catalogue.fields, store))
    queries = dict(zip(texts, encoder.encode_queries(texts), strict=True))
    index = f"benchmark-vectors-{uuid4().hex[:8]}"
    with open_server(fetch=True) as url, open_client(url) as client:
        try:
            reindex(client, store, index, catalogue, encoder)
            built = {
                place: build(client, store, index, catalogue, encoder, place, queries)
                for place in PLACES
            }
            driver = SyncDriver(functools.partial(perform, client), Executor(4))
            yield Bench(driver, built, queries)
        finally:
            client.indices.delete(index=f"{index}-*", params={"allow_no_indices": "true"})
            for folder in generation_folder(store, "").glob(f"{index}-*"):
                remove_folder(folder)


def open_client(url: str) -> OpenSearch:
    return OpenSearch([url], serializer=FastJSONSerializer(), timeout=PATIENCE_SECONDS)


def perform(client: OpenSearch, call: Call) -> Any:
    return functools.reduce(getattr, call.method.split("."), client)(**call.arguments)


def build(
    client: OpenSearch,
    store: Path,
    index: str,
    catalogue: Catalogue,
    encoder: Encoder,
    place: Any,
    queries: Mapping[str, NDArray[np.float32]],
) -> Built:
    done = reindex(client, store, index, catalogue, encoder, IndexSettings(place))
    name = done.generation
    listed = next(each for each in list_generations(client, store, index) if each.name == name)
    stats = client.indices.stats(index=name, metric="store")["_all"]["primaries"]
    generation = Generation.open(generation_folder(store, name))
    snapshot = Snapshot(
        index=name,
        generation=generation,
        row_field=ROW_FIELD,
        queries=KnownQueries(queries),  # type: ignore[arg-type]
        text_fields=catalogue.fields.query_fields,
        tuning=Tuning(),
        scorers=(),
        model=None,
        clustered=None if place == "folder" else vectors_there(name, generation),
    )
    sizes = (listed.bytes, stats["store"]["size_in_bytes"])
    return Built(snapshot, done.seconds, *(size / done.products for size in sizes))


def vectors_there(index: str, generation: Generation) -> ClusterVectors:
    return ClusterVectors(index, generation, RowKeys(ROW_FIELD, generation))


def measure_kept(bench: Bench, kept: float) -> list[Row]:
    """A row of each place under conditions that keep so much."""
    random = np.random.default_rng(0)
    size = max(1, round(kept * len(bench.generation)))
    legs: dict[str, list[float]] = {place: [] for place in PLACES}
    searches: dict[str, list[float]] = {place: [] for place in PLACES}
    recalls: dict[str, list[float]] = {place: [] for place in PLACES}
    for number, text in enumerate(bench.queries):
        first = int(random.integers(0, len(bench.generation) - size + 1))
        request = ask(bench, text, None if kept == 1 else (first, size))
        best = find_best(bench, bench.queries[text], first, size)
        for place in sorted(PLACES, reverse=bool(number % 2)):
            snapshot = bench.built[place].snapshot
            searches[place].append(timed(run_search, bench, snapshot, request)[0])
            seconds, found = timed(run_leg, bench, snapshot, request)
            legs[place].append(seconds)
            recalls[place].append(float(np.isin(best, found).mean()))
    return [make_row(bench, place, kept, legs, searches, recalls) for place in PLACES[::-1]]


def ask(bench: Bench, text: str, rows: tuple[int, int] | None) -> SearchRequest:
    """A search under the condition that keeps `size` rows from `first` on."""
    fields = bench.built["folder"].snapshot.text_fields
    found: dict[str, Any] = {"must": [text_query(fields, text)]}
    if rows is not None:
        first, size = rows
        found["filter"] = [{"range": {ROW_FIELD: {"gte": first, "lt": first + size}}}]
    body = {"query": {"bool": found}, "ext": {"endcap": {"query": text}}}
    return read_request(body, None, {})


def find_best(
    bench: Bench, vector: NDArray[np.float32], first: int, size: int
) -> NDArray[np.int64]:
    allowed = np.arange(first, first + size, dtype=np.int64)
    return bench.generation.index.search(vector, min(BEST, size), allowed)[0]


def run_leg(bench: Bench, snapshot: Snapshot, request: SearchRequest) -> NDArray[np.int64]:
    reading = read(request)
    assert snapshot.queries is not None  # the benchmark's own encoder was stored
    query_vector = snapshot.queries.encode_query(reading.text)
    leg = vector_leg(request, snapshot, reading, WINDOW, query_vector, NO_FLOOR)
    return bench.driver.run(leg).found.rows[:BEST]


def run_search(bench: Bench, snapshot: Snapshot, request: SearchRequest) -> Any:
    tuning = snapshot.tuning
    plan = Plan(WINDOW, "both", "convex", tuning.floor, tuning.weights, None, None)
    search = Search(
        request, read(request), snapshot, plan, None, Account([], Breakers(5, 10.0), snapshot.index)
    )
    return bench.driver.run(search.run())


def read(request: SearchRequest) -> Reading:
    reading = read_body(request)
    assert isinstance(reading, Reading)  # the benchmark asks for nothing that is passed through
    return reading


def timed(function: Callable[..., T], *arguments: Any) -> tuple[float, T]:
    """Seconds, and what the function returns."""
    started = perf_counter()
    found = function(*arguments)
    return perf_counter() - started, found


def make_row(
    bench: Bench,
    place: str,
    kept: float,
    legs: Mapping[str, Sequence[float]],
    searches: Mapping[str, Sequence[float]],
    recalls: Mapping[str, Sequence[float]],
) -> Row:
    built = bench.built[place]
    return {
        "vectors": place,
        "products": len(bench.generation),
        "kept": kept,
        f"recall@{BEST}": round(float(np.mean(recalls[place])), 4),
        **shown("leg", place, legs),
        **shown("search", place, searches),
        "build_s": round(built.seconds, 1),
        "store_bytes": round(built.store_bytes),
        "engine_bytes": round(built.engine_bytes),
    }


def shown(name: str, place: str, seconds: Mapping[str, Sequence[float]]) -> Row:
    measured = {each: np.array(seconds[each][WARM_UP:]) for each in PLACES}
    p50, p99 = np.percentile(measured[place], (50, 99)) * 1000
    ratio = np.median(measured[place] / measured["folder"])
    return {
        f"{name}_p50_ms": round(float(p50), 2),
        f"{name}_p99_ms": round(float(p99), 2),
        f"{name}_ratio": round(float(ratio), 2),
    }


def main(arguments: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--size", type=int, help="so many made-up products instead of the folder's")
    run(made.parse_args(arguments), measure)


if __name__ == "__main__":
    main()
