"""Protocol B: one search of each user, whose right answer is the user's last product.

The last product of every user is withheld from all counts and from all that is fitted or trained;
the caller hides the user's history by a condition, as a shop does that shows nothing twice. The
user-item model is the default one, as protocol A trains it and keeps it.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ranks import averages, rank_in
from rich.console import Console
from shop import INDEX, Events, Shop, live_generation
from user_models import Trainer

from endcap.cli.terminal import say, say_bad_rows
from endcap.evaluation import Unaware, tune_on_events
from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import scratch_store
from endcap.evaluation.systems import Asked, Searcher
from endcap.exceptions import EvaluationError, TooFewEventsError
from endcap.item_tables import ENCODER
from endcap.tuning import Tuning
from endcap_indexer.catalogue import BadRows, read_rows
from endcap_reranker import Cooccurrence, FittingError, InteractionsError
from endcap_reranker.dialects import FIELDS
from endcap_reranker.models import UserItemModel

MODEL = "model"

# What the client is asked for, and whether it is told the history.
SYSTEMS: Mapping[str, tuple[str, bool]] = {
    "lexical": ("lexical", False),
    "fused": ("fused", False),
    "popularity": ("popularity", False),
    "nonpersonal": ("reranked", False),
    "counted": ("reranked", True),  # without the user-item model
    "personal": ("reranked", True),
}
SHARES = 8  # of the searches a process takes at once, so that a slow one does not hold up the end


class Case(NamedTuple):
    """history: the user's products before the answer, oldest first."""

    text: str
    answer: str
    history: tuple[str, ...]


class Experiment(NamedTuple):
    """What is asked of a shop, whatever the candidates are."""

    shop: Shop
    events: Events
    cases: Sequence[Case]
    trainer: Trainer
    console: Console

    def model(self, back: int) -> UserItemModel:
        """One that has not learnt the last `back` products of each user, 1 or 2."""
        return self.trainer.train_without(self.trainer.configure(), back)

    def unaware(self, back: int) -> Unaware:
        """The same with what its artefact would say."""
        return Unaware(self.model(back), {ENCODER: self.trainer.generation.manifest.encoder})


@dataclass(frozen=True)
class Task:
    """What another process needs to search."""

    shop: Shop
    store: Path
    system: str
    tuning: Tuning
    window: int
    cases: Sequence[Case]


def open_experiment(shop: Shop, epochs: int, limit: int | None, console: Console) -> Experiment:
    events = shop.folder.events(console)
    with shop.open() as client:
        generation = live_generation(client, shop.store)
    trainer = Trainer.of_known(shop.store, generation, events.interactions, epochs, console)
    return Experiment(shop, events, read_cases(shop, events, limit, console), trainer, console)


def read_cases(shop: Shop, events: Events, limit: int | None, console: Console) -> list[Case]:
    """The searches of the file `search_test`; a user without events has no history.

    What cannot be asked is skipped and said. So is a product that is not its user's last one: it
    would stand in the counts, or in the history that is hidden.
    """
    file, bad_rows = shop.folder.require("search_test"), BadRows()
    pasts = _read_pasts(events)
    skipped: Counter[str] = Counter()
    cases: list[Case] = []
    for row in read_rows(file, on_bad_row=bad_rows):
        user, text, answer = (_cell(row.values, role) for role in ("user", "query", "item"))
        last, history = pasts.get(user, (answer, ()))
        if not (user and text and answer):
            skipped["without a user, a query or a product"] += 1
        elif answer != last:
            skipped["whose product is not the last one of its user"] += 1
        else:
            cases.append(Case(text, answer, history))
        if len(cases) == limit:
            break
    say_bad_rows(console, bad_rows)
    for reason, count in skipped.items():
        say(console, f"{count:,} searches {reason}", label="skipped", style="yellow")
    if not cases:
        raise EvaluationError(f"{file} has no search that can be asked: see what was skipped")
    return cases


def _cell(row: Mapping[str, Any], role: str) -> str:
    """The columns are named as those of events are."""
    cells = (row.get(name) for name in FIELDS[role])
    return next((str(cell).strip() for cell in cells if cell is not None), "")


def _read_pasts(events: Events) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each user's last product, and those before it, oldest first."""
    indptr, items, _ = events.interactions.histories()
    names = [id.decode() for id in events.interactions.item_ids.tolist()]
    pasts = {}
    for user, number in events.users.items():
        *history, last = (names[item] for item in items[indptr[number] : indptr[number + 1]])
        pasts[user] = (last, tuple(history))
    return pasts


def measure(
    experiment: Experiment, systems: Sequence[str], seeds: int, window: int, processes: int
) -> Iterator[Row]:
    """Rows by system and seed, through the public client with its real recall.

    The seed draws the users on whose events boosts, floor and weights are tuned. The engine alone
    has boosts tuned for itself, and the order without a shopper has weights fitted for itself.
    """
    shop, events, cases = experiment.shop, experiment.events, experiment.cases
    counted = Cooccurrence.count(events.interactions.without_last(1))
    trained = "personal" in systems
    model = _known_model(experiment) if trained else None
    with scratch_store(shop.store, INDEX, counted, model) as store:
        for seed in range(seeds):
            started = time.perf_counter()
            tunings = _tune(experiment, trained, seed, window)
            tuning_seconds = time.perf_counter() - started
            for system in systems:
                started = time.perf_counter()
                task = Task(shop, store, system, tunings[system], window, cases)
                ranks = _ranks(task, processes)
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


def _known_model(experiment: Experiment) -> Unaware | None:
    """The model that searches use; None, and that is said, where the events are too few for one."""
    try:
        return experiment.unaware(1)
    except InteractionsError as error:
        say(experiment.console, f"no model is trained: {error}", label="but")
        return None


def _tune(experiment: Experiment, trained: bool, seed: int, window: int) -> dict[str, Tuning]:
    """What one seed's users say for each system; where they are too few, the default."""
    shop = experiment.shop
    tune = partial(
        tune_on_events, shop.open, shop.store, INDEX, experiment.events.interactions, shop.fields
    )
    try:
        model = experiment.unaware(2) if trained else None
        tuned = tune(unaware=model, window=window, seed=seed)
        counted = tune(tuned.tuning, window=window, seed=seed).tuning if trained else tuned.tuning
    except (TooFewEventsError, FittingError, InteractionsError) as error:
        said = f"nothing is tuned, the default is measured: {error}"
        say(experiment.console, said, label="but")
        return dict.fromkeys(SYSTEMS, Tuning())
    without = replace(counted, weights={**counted.weights, MODEL: 0.0})
    own = {"lexical": tuned.baseline, "nonpersonal": tuned.nonpersonal, "counted": without}
    return {**dict.fromkeys(SYSTEMS, tuned.tuning), **own}


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
