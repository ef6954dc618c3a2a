"""Protocol B: one search of each user, whose right answer is the user's last product.

The last product of every user is withheld from all counts and from all that is fitted; the caller
hides the user's history by a condition, as a shop does that shows nothing twice.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ranks import averages, rank_in
from shop import INDEX, Events, Shop

from endcap.evaluation import TunedOnEvents, tune_on_events
from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import scratch_store
from endcap.evaluation.systems import Asked, Searcher
from endcap.tuning import Tuning
from endcap_indexer.catalogue import BadRow, read_rows
from endcap_reranker import Cooccurrence

# What the client is asked for, and whether it is told the history.
SYSTEMS: Mapping[str, tuple[str, bool]] = {
    "lexical": ("lexical", False),
    "fused": ("fused", False),
    "popularity": ("popularity", False),
    "nonpersonal": ("reranked", False),
    "personal": ("reranked", True),
}
SHARES = 8  # of the searches a process takes at once, so that a slow one does not hold up the end


class Case(NamedTuple):
    """history: the user's products before the answer, oldest first."""

    text: str
    answer: str
    history: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """What another process needs to search."""

    shop: Shop
    store: Path
    system: str
    tuning: Tuning
    window: int
    cases: Sequence[Case]


def read_cases(shop: Shop, events: Events, limit: int | None) -> list[Case]:
    """The searches of the file `search_test`; a user without events has no history."""
    interactions = events.interactions.without_last(1)
    histories = interactions.histories()
    cases = []
    for row in read_rows(shop.folder.require("search_test"), on_bad_row=_ignore):
        user = events.users.get(str(row.values["user_id"]))
        history = (
            () if user is None else histories.items[slice(*histories.indptr[[user, user + 1]])]
        )
        ids = tuple(id.decode() for id in interactions.item_ids[list(history)].tolist())
        answer = str(row.values["product_id"])
        cases.append(Case(str(row.values["query"]), answer, ids))
        if len(cases) == limit:
            break
    return cases


def measure(
    shop: Shop, systems: Sequence[str], seeds: int, limit: int | None, window: int, processes: int
) -> Iterator[Row]:
    """Rows by system and seed, through the public client with its real recall.

    The seed draws the users on whose events boosts, floor and weights are tuned; the engine alone
    has boosts tuned for itself.
    """
    events = shop.folder.events()
    cases = read_cases(shop, events, limit)
    counted = Cooccurrence.count(events.interactions.without_last(1))
    with scratch_store(shop.store, INDEX, counted) as store:
        for seed in range(seeds):
            tuned, tuning_seconds = _tune(shop, events, seed, window)
            for system in systems:
                started = time.perf_counter()
                tuning = tuned.baseline if system == "lexical" else tuned.tuning
                ranks = _ranks(Task(shop, store, system, tuning, window, cases), processes)
                seconds = time.perf_counter() - started + tuning_seconds
                yield {
                    "system": system,
                    "candidates": "client",
                    "seed": seed,
                    **averages(ranks),
                    "found": round(float(np.isfinite(ranks).mean()), 4),
                    "window": window,
                    "searches": len(cases),
                    "seconds": round(seconds, 1),
                }


def _tune(shop: Shop, events: Events, seed: int, window: int) -> tuple[TunedOnEvents, float]:
    """What one seed's users say, and the seconds it took."""
    started = time.perf_counter()
    interactions = events.interactions
    tuned = tune_on_events(
        shop.open, shop.store, INDEX, interactions, shop.fields, window=window, seed=seed
    )
    return tuned, time.perf_counter() - started


def _ranks(task: Task, processes: int) -> list[float]:
    if processes == 1:
        return search(task)
    step = -(-len(task.cases) // (processes * SHARES))
    parts = [
        replace(task, cases=task.cases[start : start + step])
        for start in range(0, len(task.cases), step)
    ]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [rank for ranks in pool.map(search, parts) for rank in ranks]


def search(task: Task) -> list[float]:
    """The rank of each case's answer among what the client shows."""
    asks, told = SYSTEMS[task.system]
    with task.shop.open(task.store) as client:
        searcher = Searcher(client, INDEX, task.window)
        return [
            rank_in(
                searcher.rank(
                    asks,
                    task.tuning,
                    Asked(case.text, case.history if told else (), case.history),
                ),
                case.answer,
            )
            for case in task.cases
        ]


def _ignore(bad: BadRow) -> None: ...
