"""How much of what is near is found under conditions that keep less and less of the catalogue.

recall@100: how much of the exact best 100 of the allowed products (or of all of them, where they
are fewer) the vector leg finds, before the similarity floor. p50_ms: a whole search of 10 hits
with both legs under the same condition, without a floor. The condition is a range of the price,
or of the place in the catalogue where products have no price.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import helpers
from options import parser, run
from rich.console import Console
from rich.progress import track
from served import describe_machine, serve
from server import open_server
from shop import INDEX, Shop, live_generation, open_shop
from synthetic import make_queries

from endcap import SearchClient
from endcap.conditions import Query
from endcap.evaluation.comparison import Row
from endcap.exceptions import EvaluationError
from endcap_indexer.catalogue import ROW_FIELD
from endcap_indexer.encoder import open_stored
from endcap_indexer.generations import Generation

KEPT = (0.5, 0.1, 0.01, 0.001)
BEST = 100
PAGE = 10
NO_FLOOR = -1.0
TIE = 1e-5  # of two cosines: products of one text, or sums in another order
ROUNDS = 3


@dataclass(frozen=True)
class Filtered:
    """What is asked: queries with their vectors, of one open index."""

    client: SearchClient
    index: str
    generation: Generation
    vectors: dict[str, NDArray[np.float32]]

    def search(self, text: str, condition: Query, size: int, **ours: Any) -> dict[str, Any]:
        """A search under a condition, which must have been re-ranked with all legs."""
        words = self.client.text_query(text, index=self.index)
        body = {
            "query": {"bool": {"must": [words], "filter": [condition]}},
            "size": size,
            "ext": {"endcap": {"floor": NO_FLOOR, **ours}},
        }
        answer: dict[str, Any] = self.client.search(body, self.index)
        said = answer["ext"]["endcap"]
        if not said["applied"] or said["reason"]:
            raise EvaluationError(f"{text!r} was not searched as it was to be: {said['reason']}")
        return answer

    def allowed(self, condition: Query) -> NDArray[np.int64]:
        """The rows that the engine says a condition leaves."""
        body = {"query": {"bool": {"filter": [condition]}}, "_source": False}
        hits = helpers.scan(self.client, query=body, index=self.index, size=BEST * BEST)
        return self.generation.rows([hit["_id"] for hit in hits])

    def recall(self, text: str, condition: Query, allowed: NDArray[np.int64]) -> float:
        """The share of the exact best that is found; of equal cosines any will do."""
        exact = self._cosines(text, allowed)
        best = min(BEST, len(exact))
        ours = {"recall": "vector", "weights": {"text": 1.0}}
        hits = self.search(text, condition, BEST, **ours)["hits"]["hits"]
        found = self._cosines(text, self.generation.rows([hit["_id"] for hit in hits]))
        return float(np.count_nonzero(found >= exact[best - 1] - TIE) / best)

    def _cosines(self, text: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of the rows that have a vector, best first."""
        cosines = self.generation.index.vectors(rows) @ self.vectors[text]
        return -np.sort(-cosines[~np.isnan(cosines)])


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    shop = open_shop(options.data, options.store, options.model, console)
    with open_filtered(shop, console, embedded=options.embedded) as filtered:
        return [
            measure_kept(filtered, kept, condition_of(shop, filtered.generation, kept), console)
            for kept in KEPT
        ]


@contextmanager
def open_filtered(shop: Shop, console: Console, *, embedded: bool) -> Iterator[Filtered]:
    """On a server, or on the embedded engine that the shop was indexed by."""
    queries = make_queries(shop)
    with ExitStack() as opened:
        client, index = opened.enter_context(shop.open()), INDEX
        generation = live_generation(client, shop.store)
        encoder = open_stored(shop.store, str(generation.manifest.encoder), threads=1)
        vectors = dict(zip(queries, encoder.encode_queries(queries), strict=True))
        if not embedded:
            address = opened.enter_context(open_server(fetch=True))
            console.print(describe_machine(address), highlight=False)
            served = opened.enter_context(serve(shop, address))
            client, index = opened.enter_context(served.open()), served.index
        yield Filtered(client, index, generation, vectors)


def condition_of(shop: Shop, generation: Generation, kept: float) -> Query:
    """A range that keeps this share of the catalogue, but for products of one price."""
    wanted = max(1, round(kept * len(generation)))
    prices = np.sort(generation.columns.get("price", np.empty(0, np.float32)))  # nan comes last
    if shop.fields.price is None or not wanted <= np.count_nonzero(~np.isnan(prices)):
        return {"range": {ROW_FIELD: {"lt": wanted}}}
    return {"range": {shop.fields.price: {"lte": float(np.nextafter(prices[wanted - 1], np.inf))}}}


def measure_kept(filtered: Filtered, kept: float, condition: Query, console: Console) -> Row:
    allowed = filtered.allowed(condition)
    console.print(f"{condition} keeps {len(allowed):,} of {len(filtered.generation):,} products")
    recalls = [filtered.recall(text, condition, allowed) for text in filtered.vectors]
    took = [
        timed(filtered, text, condition)
        for _ in track(range(ROUNDS), f"kept {kept:g}", console=console)
        for text in filtered.vectors
    ]
    return {
        "kept": kept,
        f"recall@{BEST}": round(float(np.mean(recalls)), 4),
        "p50_ms": round(float(np.median(took)), 3),
    }


def timed(filtered: Filtered, text: str, condition: Query) -> float:
    """Milliseconds of a search whose query's vector is known."""
    started = perf_counter()
    filtered.search(text, condition, PAGE)
    return (perf_counter() - started) * 1000


def main(arguments: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--embedded", action="store_true", help="without a server")
    run(options.parse_args(arguments), measure)


if __name__ == "__main__":
    main()
