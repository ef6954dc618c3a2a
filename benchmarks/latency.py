"""How long each part of a search takes on one core, and how much memory a serving process needs.

Every column says something: the shopper has 50 recorded events, and co-occurrence is counted from
200,000 synthetic events of a fixed seed. Each part is measured in a process of its own.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from columns import Columns
from model_latency import measure_models
from options import parser, run
from rich.console import Console
from shop import INDEX, Shop, live_generation, open_shop
from synthetic import make_interactions, make_queries

from endcap import SearchClient
from endcap.evaluation.comparison import Row
from endcap.keys import by_row
from endcap.registry import COOCCURRENCE, Registry
from endcap_indexer.catalogue import ROW_FIELD
from endcap_indexer.encoder import open_stored
from endcap_reranker import (
    Blend,
    Candidates,
    Cooccurrence,
    LexicalColumn,
    Reranker,
    Scorer,
    Shopper,
)

WINDOW = 200
WINDOWS = (100, 200, 500)
PAGE = 10
WARM_UP = 20
RUNS = 300  # of what takes no queries
USER = "shopper of the benchmark"
EVENTS_OF_SHOPPER = 50
MEGABYTE = 2**20

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """What is measured: a shop with an artefact, what is asked, and what the shopper has seen."""

    shop: Shop
    queries: tuple[str, ...]
    history: tuple[str, ...]


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    shop = open_shop(options.data, options.store, options.model, console)
    parts = (measure_alone, measure_user_models, measure_search, measure_memory)
    with make_bench(shop) as bench:
        return [row for part in parts for row in in_own_process(part, bench)]


@contextmanager
def make_bench(shop: Shop) -> Iterator[Bench]:
    """On a copy of the store, so that neither events nor artefacts of the benchmark stay."""
    with tempfile.TemporaryDirectory(prefix="endcap-latency-") as folder:
        copy = replace(shop, store=Path(folder) / "store")
        shutil.copytree(shop.store, copy.store)
        with copy.open() as client:
            generation = live_generation(client, copy.store)
        interactions = make_interactions(generation.ids(np.arange(len(generation))))
        registry = Registry(copy.store, INDEX)
        counted = Cooccurrence.count(interactions)
        registry.promote(registry.save_cooccurrence(counted, {"events": "synthetic"}))
        seen = interactions.item_ids[interactions.items[:EVENTS_OF_SHOPPER]].tolist()
        yield Bench(copy, make_queries(shop), tuple(id.decode() for id in seen))


def in_own_process(part: Callable[[Bench], T], bench: Bench) -> T:
    """On one core; what one part has warmed or allocated is not the next part's."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=use_one_core) as pool:
        return pool.submit(part, bench).result()


def use_one_core() -> None:
    """Where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure_alone(bench: Bench) -> list[Row]:
    """The parts of a search, each without the others."""
    return [*measure_engine(bench), *measure_faiss(bench), *measure_rerank(bench)]


def measure_engine(bench: Bench) -> list[Row]:
    """The lexical leg's own request."""
    with bench.shop.open() as client:
        bodies = [
            {"query": client.text_query(text, index=INDEX), "size": WINDOW, **by_row(ROW_FIELD)}
            for text in bench.queries
        ]
        return [
            timed("lexical", WINDOW, lambda body: client.search(body, INDEX, endcap=False), bodies)
        ]


def measure_faiss(bench: Bench) -> list[Row]:
    """The nearest products of query vectors that are known already."""
    with bench.shop.open() as client:
        generation = live_generation(client, bench.shop.store)
    encoder = open_stored(bench.shop.store, str(generation.manifest.encoder), threads=1)
    vectors = encoder.encode_queries(bench.queries)
    return [timed("faiss", WINDOW, lambda vector: generation.index.search(vector, WINDOW), vectors)]


def measure_rerank(bench: Bench) -> list[Row]:
    """All columns of n candidates, blended and ordered; arrays in, order out."""
    with bench.shop.open() as client:
        generation = live_generation(client, bench.shop.store)
    artefacts = Registry(bench.shop.store, INDEX)
    counted = artefacts.cooccurrence(artefacts.promoted()[COOCCURRENCE])
    others = Columns.of_counted(generation, counted).values()
    scorers: list[Scorer] = [LexicalColumn(), *others]
    reranker = Reranker(scorers, Blend({scorer.name: 1.0 for scorer in scorers}))
    past = generation.rows(bench.history[::-1])
    seen = Shopper(past, np.ones(len(past), np.float32), generation.index.vectors(past))
    random = np.random.default_rng(0)

    def make_candidates(n: int) -> Candidates:
        rows = random.choice(len(generation), min(n, len(generation)), replace=False)
        vectors = generation.index.vectors(rows)
        lexical = random.random(len(rows), np.float32)
        return Candidates(rows, lexical, vectors[0], vectors, {}, seen)

    return [
        timed("rerank", n, reranker.rerank, [make_candidates(n) for _ in range(RUNS)])
        for n in WINDOWS
    ]


def measure_user_models(bench: Bench) -> list[Row]:
    """A shopper's state and the scores of the candidates; the shop does not matter."""
    return list(measure_models(timed))


def measure_search(bench: Bench) -> list[Row]:
    """record, then whole searches for that shopper: every query first unknown, then known."""
    with bench.shop.open() as client:
        for item in bench.history:
            client.record(user=USER, item=item)
        for text in bench.queries[:WARM_UP]:
            search(client, f"{text} {text}")
        return [
            timed(
                "search-new", WINDOW, lambda text: search(client, text), bench.queries, warm_up=0
            ),
            timed("search-known", WINDOW, lambda text: search(client, text), bench.queries * 2),
            timed("record", 1, lambda item: client.record(user=USER, item=item), bench.history * 4),
        ]


def measure_memory(bench: Bench) -> list[Row]:
    """Resident after a search of every query for a shopper."""
    with bench.shop.open() as client:
        for item in bench.history:
            client.record(user=USER, item=item)
        for text in bench.queries:
            search(client, text)
        return [{"stage": "memory", "mb": round(resident_bytes() / MEGABYTE, 1)}]


def search(client: SearchClient, text: str) -> Any:
    """A page for the shopper, which must have been re-ranked."""
    body = {"query": client.text_query(text, index=INDEX), "size": PAGE}
    answer = client.search(body, INDEX, user=USER)
    said = answer["ext"]["endcap"]
    if not said["applied"] or said["reason"]:
        raise RuntimeError(f"{text!r} was not searched as it was to be: {said['reason']}")
    return answer


def timed(
    stage: str, n: int, call: Callable[[Any], Any], inputs: Iterable[Any], *, warm_up: int = WARM_UP
) -> Row:
    """Milliseconds of each call; the first few are made twice."""
    inputs = list(inputs)
    for each in inputs[:warm_up]:
        call(each)
    took = []
    for each in inputs:
        started = perf_counter()
        call(each)
        took.append((perf_counter() - started) * 1000)
    p50, p99 = np.percentile(took, [50, 99])
    return {"stage": stage, "n": n, "p50_ms": round(p50, 3), "p99_ms": round(p99, 3)}


def resident_bytes() -> int:
    """Of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str] | None = None) -> None:
    run(parser(__doc__).parse_args(arguments), measure)


if __name__ == "__main__":
    main()
