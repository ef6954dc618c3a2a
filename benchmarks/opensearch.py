"""Relevance and latency on one OpenSearch node: plain, its own hybrid search, and endcap.

Every query is answered by what was tuned on the other folds: boosts, weights and floor of endcap,
boosts of the plain query, weights of the hybrid. All systems take turns in one loop, so that what
slows the machine slows them all; `added` is the difference to `plain` of the same turn. `-new`: the
query's vector is not known yet. `-shopper`: somebody with 50 events, co-occurrence of 200,000
synthetic events. The hybrid is given the query's vector.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
from latency import USER, make_bench
from native import PAGE, VARIANTS, Fields, Native, ids, open_native
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from options import parser, run
from rich.console import Console
from rich.progress import track
from served import Served, describe_machine, serve
from server import open_server
from shop import Shop, live_generation, open_shop

from endcap import SearchClient
from endcap.evaluation import Judgments, Tuner
from endcap.evaluation.comparison import Row
from endcap.evaluation.folds import split_folds
from endcap.evaluation.metrics import NDCG, Doubles
from endcap.evaluation.metrics import measure as measure_rankings
from endcap.exceptions import EvaluationError
from endcap.tuning import Tuning
from endcap_indexer.catalogue import text_query
from endcap_indexer.encoder import open_stored

PLAIN = "plain"
SHOPPER = "shopper"
NEW = "new"
DIGITS = 4
REPETITIONS = 10
WARM_UP = 3  # rounds that are not counted

Search = Callable[[], dict[str, Any]]
Systems = dict[str, dict[str, Search]]  # by name and query


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    shop = open_shop(options.data, options.store, options.model, console)
    judgments = Judgments.read(shop.folder.require("judgments")).usable
    with ExitStack() as opened:
        address = opened.enter_context(open_server(fetch=True))
        console.print(describe_machine(address), highlight=False)
        served = opened.enter_context(serve(shop, address))
        ours = opened.enter_context(open_ours(served))
        native = opened.enter_context(open_native(shop, address, query_vectors(shop, judgments)))
        systems = tune_systems(ours, native, judgments, console)
        return take_turns(systems, judgments, options.repetitions, console)


@dataclass(frozen=True)
class Ours:
    """endcap's clients by the name of their system; `shopper` is known to some of them."""

    index: str
    plain: OpenSearch
    clients: Mapping[str, SearchClient]

    def search(self, name: str, tuning: Tuning, text: str) -> dict[str, Any]:
        """A page, which must have been re-ranked with all legs."""
        asked = {"weights": dict(tuning.weights), "floor": tuning.floor}
        body = {**self._body(tuning, text), "ext": {"endcap": asked}}
        user = USER if SHOPPER in name else None
        answer: dict[str, Any] = self.clients[name].search(body, self.index, user=user)
        said = answer["ext"]["endcap"]
        if not said["applied"] or said["reason"]:
            raise EvaluationError(f"{text!r} was not searched as it was to be: {said['reason']}")
        return answer

    def search_plainly(self, tuning: Tuning, text: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.plain.search(index=self.index, body=self._body(tuning, text))
        return answer

    def _body(self, tuning: Tuning, text: str) -> dict[str, Any]:
        return {"query": text_query(fields_of(tuning), text), "size": PAGE}


@contextmanager
def open_ours(served: Served) -> Iterator[Ours]:
    """Two clients without events, two with; of each, one that knows no query's vector for long."""
    with ExitStack() as opened:
        bench = opened.enter_context(make_bench(served.shop))
        clients = {}
        for name, store in (("endcap", None), (f"endcap-{SHOPPER}", bench.shop.store)):
            clients[name] = opened.enter_context(served.open(store))
            with patch("endcap.core.CACHED_QUERIES", 1):
                clients[f"{name}-{NEW}"] = opened.enter_context(served.open(store))
        shopper = clients[f"endcap-{SHOPPER}"]
        for item in bench.history:
            shopper.record(user=USER, item=item)
        opened.callback(shopper.forget, user=USER)
        plain = opened.enter_context(OpenSearch([served.address]))
        yield Ours(served.index, plain, clients)


def query_vectors(shop: Shop, judgments: Judgments) -> dict[str, NDArray[np.float32]]:
    with shop.open() as client:
        encoder = live_generation(client, shop.store).manifest.encoder
    queries = judgments.queries
    vectors = open_stored(shop.store, str(encoder), threads=1).encode_queries(queries)
    return dict(zip(queries, vectors, strict=True))


def tune_systems(ours: Ours, native: Native, judgments: Judgments, console: Console) -> Systems:
    """What each system is asked for each query, by what the queries of the other folds say."""

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    systems: Systems = {name: {} for name in (PLAIN, *(v.name for v in VARIANTS), *ours.clients)}
    tuner = Tuner(ours.clients["endcap"], ours.index, judgments, say=say)
    say("every system is tuned on each fold, which takes minutes")
    for training, held_out in split_folds(judgments):
        tuned = tuner.tune(training)
        fields = fields_of(tuned.baseline)
        weights = {each: native.tune(each, judgments, training, fields) for each in VARIANTS}
        say("words in the hybrid: " + ", ".join(f"{v.name} {weights[v]:g}" for v in VARIANTS))
        for text in held_out.queries:
            systems[PLAIN][text] = partial(ours.search_plainly, tuned.baseline, text)
            for each in VARIANTS:
                systems[each.name][text] = partial(native.search, each, weights[each], fields, text)
            for name in ours.clients:
                systems[name][text] = partial(ours.search, name, tuned.tuning, text)
    return systems


def fields_of(tuning: Tuning) -> Fields:
    return tuple(f"{name}^{boost:g}" for name, boost in tuning.boosts.items())


def take_turns(
    systems: Systems, judgments: Judgments, repetitions: int, console: Console
) -> list[Row]:
    """Every system answers a query before the next query's turn, each time in another order."""
    shuffled = random.Random(0)
    took: dict[str, list[float]] = {name: [] for name in systems}
    found: dict[str, dict[str, list[str]]] = {name: {} for name in systems}
    for turn in track(range(WARM_UP + repetitions), "searching", console=console):
        for text in systems[PLAIN]:
            for name in shuffled.sample(list(systems), len(systems)):
                started = perf_counter()
                answer = systems[name][text]()
                if turn >= WARM_UP:
                    took[name].append((perf_counter() - started) * 1000)
                found[name][text] = ids(answer)
    among = judgments.among(list(systems[PLAIN]))
    return [make_row(name, took, measure_rankings(found[name], among)[NDCG]) for name in systems]


def make_row(name: str, took: Mapping[str, Sequence[float]], ndcgs: Doubles) -> Row:
    own = np.array(took[name])
    added = own - np.array(took[PLAIN])
    (p50, p99), (added_p50, added_p99) = (np.percentile(each, [50, 99]) for each in (own, added))
    return {
        "system": name,
        "ndcg@10_oof": round(float(ndcgs.mean()), DIGITS),
        "p50_ms": round(p50, DIGITS),
        "p99_ms": round(p99, DIGITS),
        "added_p50_ms": round(added_p50, DIGITS),
        "added_p99_ms": round(added_p99, DIGITS),
    }


def main(arguments: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument(
        "--repetitions", type=int, default=REPETITIONS, help="how often every query is asked"
    )
    run(options.parse_args(arguments), measure)


if __name__ == "__main__":
    main()
