"""Protocol A: the last product of each user, ranked among all products outside of the history."""

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from columns import COLUMNS, Columns, Floats
from numpy.typing import NDArray
from ranks import NOT_FOUND, averages, rank_among
from rich.console import Console
from shop import Shop, live_generation

from endcap.cli.terminal import say
from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import Visit, sample_visits
from endcap.exceptions import EvaluationError
from endcap_indexer.generations import Generation
from endcap_reranker import FittingError, Interactions, Search, fit

SYSTEMS = ("popularity", "cooccurrence", "history", "blend")
NEAREST = 200  # candidates of each column on which the blend is fitted
FITTED_USERS = 1000


def measure(
    shop: Shop, systems: Sequence[str], seeds: int, limit: int | None, console: Console
) -> Iterator[Row]:
    """Rows by system and seed. The seed draws the users on whom the blend is fitted; the other
    systems fit nothing and have the same figures for every seed. A blend that cannot be fitted is
    left out.
    """
    interactions = shop.folder.events(console).interactions
    with shop.open() as client:
        generation = live_generation(client, shop.store)
    columns = Columns.count(generation, interactions.without_last(1))
    visits = sample_visits(interactions, 1, limit)
    if not visits:
        raise EvaluationError("no user has two products, so there is none to ask for")
    for system in systems:
        known: Row = {}
        for seed in range(seeds):
            if not known or system == "blend":
                started = time.perf_counter()
                try:
                    weights = _weights(system, generation, interactions, seed)
                except FittingError as error:
                    say(console, f"is left out, seed {seed}: {error}", label=system)
                    continue
                ranks = [_rank(columns, weights, visit) for visit in visits]
                seconds = round(time.perf_counter() - started, 1)
                known = {**averages(ranks), "searches": len(visits), "seconds": seconds}
            yield {"system": system, "candidates": "all", "seed": seed, **known}


def _weights(
    system: str, generation: Generation, interactions: Interactions, seed: int
) -> dict[str, float]:
    """Of the blend: fitted on last-but-one events, with counts that have not seen them."""
    if system != "blend":
        return {system: 1.0}
    columns = Columns.count(generation, interactions.without_last(2))
    visits = sample_visits(interactions, 2, FITTED_USERS, seed)
    return fit([_search(columns, visit) for visit in visits], dict.fromkeys(COLUMNS, 1.0)).weights


def _search(columns: Columns, visit: Visit) -> Search:
    """The products that any of the columns puts among its first, less the history."""
    said = columns.of(columns.every, visit.history, COLUMNS)
    shown = np.ones(len(columns.every), bool)
    shown[columns.rows(visit.history)] = False
    nearest = [_first(np.where(shown, column, np.nan)) for column in said.values()]
    chosen = np.unique(np.concatenate(nearest))
    grades = np.isin(chosen, columns.rows([visit.item])).astype(np.float32)
    missed = np.ones(0 if grades.any() else 1, np.float32)
    return Search({name: column[chosen] for name, column in said.items()}, grades, missed)


def _first(column: Floats) -> NDArray[np.intp]:
    known = np.flatnonzero(~np.isnan(column))
    return known[np.argsort(-column[known], kind="stable")[:NEAREST]]


def _rank(columns: Columns, weights: Mapping[str, float], visit: Visit) -> float:
    scores = columns.scores(columns.every, visit.history, weights)
    scores[columns.rows(visit.history)] = -np.inf
    answer = columns.rows([visit.item])
    return rank_among(scores, int(answer[0])) if len(answer) else NOT_FOUND
