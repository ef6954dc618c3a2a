"""Protocol B with the products of the query's category as the candidates.

A shop would not know which category was meant: this says what the re-rank stage alone could do.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from columns import COLUMNS, Columns, Rows
from ranks import NOT_FOUND, averages, rank_among
from searching import Case, read_cases
from shop import Shop, live_generation

from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import sample_visits
from endcap.evaluation.words import category_paths
from endcap_indexer.catalogue import BadRows, read_products
from endcap_reranker import Interactions, Search, fit

SYSTEMS = ("popularity", "personal")
FITTED_USERS = 1500

Categories = Mapping[frozenset[str], Rows]  # the words of a path → the rows of its products


def measure(shop: Shop, systems: Sequence[str], seeds: int, limit: int | None) -> Iterator[Row]:
    """Rows by system and seed; none where the catalogue has no categories."""
    if shop.fields.category is None:
        return
    events = shop.folder.events()
    cases = read_cases(shop, events, limit)
    with shop.open() as client:
        generation = live_generation(client, shop.store)
    columns = Columns.count(generation, events.interactions.without_last(1))
    counted_before = Columns.count(generation, events.interactions.without_last(2))
    paths, categories = _read_categories(shop, columns)
    for seed in range(seeds):
        for system in systems:
            started = time.perf_counter()
            weights = {"popularity": 1.0}
            if system == "personal":
                weights = _fit(counted_before, events.interactions, paths, categories, seed)
            ranks = [_rank(columns, weights, case, categories) for case in cases]
            seconds = round(time.perf_counter() - started, 1)
            row = {"system": system, "candidates": "oracle", "seed": seed, **averages(ranks)}
            found = round(float(np.isfinite(ranks).mean()), 4)
            yield row | {"found": found, "searches": len(cases), "seconds": seconds}


def _read_categories(shop: Shop, columns: Columns) -> tuple[dict[str, str], Categories]:
    """The first path of each product, and the products of each path."""
    first: dict[str, str] = {}
    products: dict[frozenset[str], list[str]] = {}
    file = shop.folder.require("products")
    for product in read_products(file, shop.fields, on_bad_row=BadRows()):
        paths = category_paths(product.document.get(shop.fields.category or ""))
        if paths:
            first[product.id] = paths[0]
        for words in {frozenset(path.split()) for path in paths}:
            products.setdefault(words, []).append(product.id)
    return first, {words: columns.rows(ids) for words, ids in products.items()}


def _fit(
    columns: Columns,
    interactions: Interactions,
    paths: Mapping[str, str],
    categories: Categories,
    seed: int,
) -> dict[str, float]:
    """On last-but-one events, with counts that have not seen them."""
    searches = []
    for visit in sample_visits(interactions, 2, FITTED_USERS, seed):
        if visit.item in paths:
            case = Case(paths[visit.item], visit.item, visit.history)
            rows = _candidates(columns, case, categories)
            grades = np.isin(rows, columns.rows([visit.item])).astype(np.float32)
            searches.append(Search(columns.of(rows, visit.history, COLUMNS), grades))
    return fit(searches, dict.fromkeys(COLUMNS, 1.0)).weights


def _candidates(columns: Columns, case: Case, categories: Categories) -> Rows:
    rows = categories.get(frozenset(case.text.split()), np.empty(0, np.int64))
    return rows[~np.isin(rows, columns.rows(case.history))]


def _rank(
    columns: Columns, weights: Mapping[str, float], case: Case, categories: Categories
) -> float:
    rows = _candidates(columns, case, categories)
    answer = np.flatnonzero(np.isin(rows, columns.rows([case.answer])))
    if not len(answer):
        return NOT_FOUND
    return rank_among(columns.scores(rows, case.history, weights), int(answer[0]))
