"""Protocol B with the products of the query's category as the candidates.

A shop would not know which category was meant: this says what the re-rank stage alone could do.
The query is the category's own words, which all of its products have: meaning and popularity are
what orders them for somebody unknown.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from columns import COLUMNS, TEXT, Columns, Floats, Rows
from ranks import NOT_FOUND, averages, rank_among
from searching import MODEL, Case, Experiment
from shop import Shop
from user_models import Ranker

from endcap.cli.terminal import say
from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import sample_visits
from endcap.evaluation.words import category_paths
from endcap_indexer.catalogue import BadRows, Files, read_products
from endcap_indexer.encoder import open_stored
from endcap_indexer.generations import Generation
from endcap_reranker import FittingError, Interactions, InteractionsError, ModelColumn, Search, fit

SYSTEMS: Mapping[str, Sequence[str]] = {
    "popularity": ("popularity",),
    "nonpersonal": (TEXT, "popularity"),
    "counted": (TEXT, *COLUMNS),
    "personal": (TEXT, *COLUMNS, MODEL),
}
FITTED_USERS = 1500

Categories = Mapping[frozenset[str], Rows]  # the words of a path → the rows of its products


@dataclass(frozen=True)
class Oracle:
    """columns: from what was counted. vectors: of each text, where the catalogue has an encoder."""

    columns: Columns
    categories: Categories
    vectors: Mapping[str, Floats]

    def candidates(self, case: Case) -> Rows:
        rows = self.categories.get(frozenset(case.text.split()), np.empty(0, np.int64))
        return rows[~np.isin(rows, self.columns.rows(case.history))]

    def rank(self, weights: Mapping[str, float], case: Case) -> float:
        rows = self.candidates(case)
        answer = np.flatnonzero(np.isin(rows, self.columns.rows([case.answer])))
        if not len(answer):
            return NOT_FOUND
        scores = self.columns.scores(rows, case.history, weights, self.vectors.get(case.text))
        return rank_among(scores, int(answer[0]))

    def search(self, case: Case) -> Search:
        """What the weights of any system are fitted on."""
        rows = self.candidates(case)
        grades = np.isin(rows, self.columns.rows([case.answer])).astype(np.float32)
        vector = self.vectors.get(case.text)
        return Search(self.columns.of(rows, case.history, (*self.columns.scorers,), vector), grades)


def measure(experiment: Experiment, systems: Sequence[str], seeds: int) -> Iterator[Row]:
    """Rows by system and seed; none where the catalogue has no categories. A system that cannot be
    fitted is left out.
    """
    shop, events, cases = experiment.shop, experiment.events, experiment.cases
    if shop.fields.category is None or not systems:
        return
    generation = experiment.trainer.generation
    paths, categories = _read_categories(shop, generation)
    learnt = [_last_but_one(events.interactions, paths, seed) for seed in range(seeds)]
    vectors = _encode(shop, generation, {case.text for case in chain(cases, *learnt)})
    before, now = (
        Oracle(_columns(experiment, systems, back), categories, vectors) for back in (2, 1)
    )
    for seed in range(seeds):
        searches = [before.search(case) for case in learnt[seed]]
        for system in systems:
            started = time.perf_counter()
            try:
                weights = _fit(searches, SYSTEMS[system])
            except FittingError as error:
                say(experiment.console, f"is left out, oracle, seed {seed}: {error}", label=system)
                continue
            ranks = [now.rank(weights, case) for case in cases]
            seconds = round(time.perf_counter() - started, 1)
            row = {"system": system, "candidates": "oracle", "seed": seed, **averages(ranks)}
            found = round(float(np.isfinite(ranks).mean()), 4)
            yield row | {"found": found, "searches": len(cases), "seconds": seconds}


def _columns(experiment: Experiment, systems: Sequence[str], back: int) -> Columns:
    """Of what is known without the last `back` products of each user, that of a model where a
    system has it; where the events are too few for one they are too few to fit on, which is said.
    """
    generation = experiment.trainer.generation
    counted = Columns.count(generation, experiment.events.interactions.without_last(back))
    if all(MODEL not in SYSTEMS[system] for system in systems):
        return counted
    try:
        model = experiment.model(back)
    except InteractionsError:
        return counted
    return counted.also(ModelColumn.over(model, Ranker.over(model, generation)))


def _read_categories(shop: Shop, generation: Generation) -> tuple[dict[str, str], Categories]:
    """The first path of each product, and the products of each path."""
    first: dict[str, str] = {}
    products: dict[frozenset[str], list[str]] = {}
    file = shop.folder.require("products")
    for product in read_products(Files(file), shop.fields, on_bad_row=BadRows()):
        paths = category_paths(product.document.get(shop.fields.category or ""))
        if paths:
            first[product.id] = paths[0]
        for words in {frozenset(path.split()) for path in paths}:
            products.setdefault(words, []).append(product.id)
    return first, {words: _known_rows(generation, ids) for words, ids in products.items()}


def _known_rows(generation: Generation, ids: Sequence[str]) -> Rows:
    rows = generation.rows(ids)
    return rows[rows >= 0]


def _last_but_one(interactions: Interactions, paths: Mapping[str, str], seed: int) -> list[Case]:
    """Searches to fit on: the counts that are used there have not seen these products."""
    return [
        Case(paths[visit.item], visit.item, visit.history)
        for visit in sample_visits(interactions, 2, FITTED_USERS, seed)
        if visit.item in paths
    ]


def _encode(shop: Shop, generation: Generation, texts: set[str]) -> dict[str, Floats]:
    """The vector of each text; none where the shop brings vectors and no encoder."""
    if generation.manifest.encoder is None:
        return {}
    ordered = sorted(texts)
    encoder = open_stored(shop.store, generation.manifest.encoder)
    return dict(zip(ordered, encoder.encode_queries(ordered), strict=True))


def _fit(searches: Sequence[Search], names: Sequence[str]) -> dict[str, float]:
    """One column alone has nothing to be weighed against."""
    start = dict.fromkeys(names, 1.0)
    return start if len(names) == 1 else fit(searches, start).weights
