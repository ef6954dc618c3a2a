"""Protocol A: the last product of each user, ranked among all products outside of the history."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from columns import COLUMNS, Columns, Doubles, Floats
from models import Comparison, spread
from numpy.typing import NDArray
from ranks import averages
from rich.console import Console
from shop import Shop, live_generation
from user_models import Questions, Ranker, Score, Trainer

from endcap.cli.terminal import say
from endcap.evaluation.comparison import Row
from endcap.evaluation.shoppers import Visit, sample_visits
from endcap_indexer.generations import Generation
from endcap_reranker import FittingError, Interactions, ModelColumn, Search, fit
from endcap_reranker.baselines import EASE
from endcap_reranker.models import ModelConfiguration

SYSTEMS = ("popularity", "cooccurrence", "history", "ease", "blend", "models")
MODEL = "model"
NEAREST = 200  # candidates of each column on which the blend is fitted
FITTED_USERS = 1000


@dataclass(frozen=True)
class Experiment:
    """interactions: with the last product of each user, which nothing but the questions knows."""

    generation: Generation
    interactions: Interactions
    questions: Questions
    trainer: Trainer
    console: Console

    def known(self, back: int) -> Interactions:
        """Without the last `back` products of each user."""
        return self.interactions.without_last(back)


def open_experiment(shop: Shop, epochs: int, limit: int | None, console: Console) -> Experiment:
    """The questions are of at most `limit` users."""
    interactions = shop.folder.events(console).interactions
    with shop.open() as client:
        generation = live_generation(client, shop.store)
    questions = Questions.last(interactions, generation, limit)
    trainer = Trainer.of_known(shop.store, generation, interactions, epochs, console)
    return Experiment(generation, interactions, questions, trainer, console)


def measure(experiment: Experiment, systems: Sequence[str], seeds: int) -> Iterator[Row]:
    """Rows by system and seed. The seed draws the users on whom a blend is fitted, and what a
    training begins with; the other systems have the same figures for every seed. Where there are
    models, the best one by their validation is blended too.
    """
    for system in systems:
        if system == "models":
            yield from _models(experiment, seeds)
        elif system == "blend":
            yield from _blends(experiment, seeds, None)
        else:
            started = time.perf_counter()
            score = _ease(experiment) if system == "ease" else _column(experiment, system)
            row = _row(experiment, system, 0, score, started)
            yield from ({**row, "seed": seed} for seed in range(seeds))


def _row(experiment: Experiment, system: str, seed: int, score: Score, started: float) -> Row:
    ranks = experiment.questions.ranks(score)
    row = {"system": system, "candidates": "all", "seed": seed, **averages(ranks)}
    return {**row, "searches": len(ranks), "seconds": round(time.perf_counter() - started, 1)}


def _models(experiment: Experiment, seeds: int) -> Iterator[Row]:
    """Each choice, the spread of the best one, and the best one in a blend."""
    comparison = Comparison(experiment.trainer, experiment.questions)
    rows: dict[ModelConfiguration, list[Row]] = {}
    for configuration, row in comparison.rows(seeds):
        yield row
        rows.setdefault(configuration, []).append(row)
    if seeds > 1:
        yield spread(rows[comparison.best()])
    yield from _blends(experiment, seeds, comparison.best())


def _blends(experiment: Experiment, seeds: int, best: ModelConfiguration | None) -> Iterator[Row]:
    """Fitted on last-but-one products, by counts and a model that have not seen them. A blend that
    cannot be fitted is left out.
    """
    name, names = ("blend", COLUMNS) if best is None else (f"blend with {MODEL}", (*COLUMNS, MODEL))
    learning, asking = _columns(experiment, 2, best), _columns(experiment, 1, best)
    for seed in range(seeds):
        started = time.perf_counter()
        visits = sample_visits(experiment.interactions, 2, FITTED_USERS, seed)
        try:
            searches = [_search(learning, names, visit) for visit in visits]
            weights = fit(searches, dict.fromkeys(names, 1.0)).weights
        except FittingError as error:
            say(experiment.console, f"is left out, seed {seed}: {error}", label=name)
            continue
        yield _row(experiment, name, seed, _blended(asking, weights, experiment), started)


def _columns(experiment: Experiment, back: int, best: ModelConfiguration | None) -> Columns:
    """Of what is known without the last `back` products of each user."""
    columns = Columns.count(experiment.generation, experiment.known(back))
    if best is None:
        return columns
    model = experiment.trainer.train_without(best, back)
    return columns.also(ModelColumn.over(model, Ranker.over(model, experiment.generation)))


def _column(experiment: Experiment, system: str) -> Score:
    return _blended(_columns(experiment, 1, None), {system: 1.0}, experiment)


def _blended(columns: Columns, weights: Mapping[str, float], experiment: Experiment) -> Score:
    def score(number: int) -> Doubles:
        history = experiment.questions.histories[number]
        ids = experiment.generation.ids(history[history >= 0])
        return columns.scores(columns.every, ids, weights)

    return score


def _ease(experiment: Experiment) -> Score:
    """The items that have events, at their rows."""
    known, generation = experiment.known(1), experiment.generation
    ids = [id.decode() for id in known.item_ids.tolist()]
    rows = generation.rows(ids)
    items = np.full(len(generation) + 1, -1)  # by row; the last place is that of row -1
    items[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    baseline = EASE(known, np.empty((len(ids), 0), np.float32))

    def score(number: int) -> Doubles:
        scores = np.full(len(generation), -np.inf)
        past = items[experiment.questions.histories[number]]
        found = baseline.score_all(past[past >= 0])[rows >= 0]
        scores[rows[rows >= 0]] = np.nan_to_num(found, nan=-np.inf)
        return scores

    return score


def _search(columns: Columns, names: Sequence[str], visit: Visit) -> Search:
    """The products that any of the columns puts among its first, less the history."""
    said = columns.of(columns.every, visit.history, names)
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
