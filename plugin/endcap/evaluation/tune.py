"""Choosing boosts, floor and weights on judged queries, and the honest figure of that choice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from endcap.client import SearchClient
from endcap.evaluation.choice import DIGITS, choose, choose_lexical
from endcap.evaluation.comparison import Row, Runs, require_usable
from endcap.evaluation.folds import split_folds
from endcap.evaluation.judgments import Judgments
from endcap.evaluation.systems import SYSTEMS, Asked, Searcher
from endcap.evaluation.trials import LEGS, Trials
from endcap.exceptions import EvaluationError
from endcap.tuning import Tuning
from endcap_reranker import Fitted, Search, fit

OUT_OF_FOLD = "oof"

Say = Callable[[str], None]


class Tuned(NamedTuple):
    """tuning: of both legs and the blend. baseline: of the engine alone."""

    tuning: Tuning
    baseline: Tuning


class Tuner:
    """Tunes on any part of some judgments; searches are shared between the parts."""

    def __init__(
        self,
        client: SearchClient,
        index: str,
        judgments: Judgments,
        *,
        start: Tuning | None = None,
        say: Say = lambda line: None,
    ) -> None:
        self.searcher = Searcher(client, index)
        self.judgments = require_usable(judgments)
        self.start = start or Tuning()
        self._boosts = self.searcher.boosts()
        self._trials = Trials(self.searcher, self.judgments)
        self._say = say

    def tune(self, training: Judgments) -> Tuned:
        """The configuration chosen on these queries alone, which are among the judgments."""
        tuned = self.tune_legs(training)
        weights = self._fit_speaking(tuned.tuning, training)
        self._say(f"{len(training)} queries: {_describe(tuned.tuning)}")
        return tuned._replace(tuning=replace(tuned.tuning, weights=weights))

    def tune_legs(self, training: Judgments) -> Tuned:
        """The same, but for the weights of the columns besides words and meaning."""
        wanted = set(training.queries)
        places = np.flatnonzero([query in wanted for query in self.judgments.queries])
        chosen = choose(self._trials, self._boosts, places)
        baseline = choose_lexical(self._trials, self._boosts, places)
        tuning = replace(
            self.start,
            boosts=chosen.boosts,
            floor=chosen.floor,
            fusion=_legs(chosen.fused),
            weights={**self.start.weights, **_legs(chosen.reranked)},
        )
        return Tuned(tuning, replace(self.start, boosts=baseline))

    def out_of_fold(self, systems: Sequence[str] = SYSTEMS) -> list[Row]:
        """Rows in which every query is answered by the configuration of the other folds.

        Raises EvaluationError where all queries are in one fold.
        """
        runs = Runs()
        folds = list(split_folds(self.judgments))
        if not folds:
            raise EvaluationError(
                f"{len(self.judgments)} judged queries with a relevant product are too few for"
                " folds: pass --no-folds, or judge more"
            )
        for training, held_out in folds:
            tuned = self.tune(training)
            runs.search(self.searcher, held_out, tunings(tuned, systems))
        return runs.rows(self.judgments.among(list(runs.found[systems[0]])), OUT_OF_FOLD)

    def _fit_speaking(self, tuning: Tuning, training: Judgments) -> dict[str, float]:
        """The weights, those of the columns that speak without a shopper fitted; the others stay
        as they were.
        """
        weights = dict(tuning.weights)
        searches = list(self._searches(tuning, training))
        speaking = {
            name
            for search in searches
            for name, column in search.columns.items()
            if not np.isnan(column).all()
        }
        if not speaking - set(LEGS):
            return weights
        fitted = fit(searches, {name: weights[name] for name in weights if name in speaking})
        return weights | beside_relevance(fitted, weights["lexical"])

    def _searches(self, tuning: Tuning, training: Judgments) -> Iterator[Search]:
        """Each query's window, and its judged list."""
        for query, grades in training.grades.items():
            for asked in (Asked(query), Asked(query, among=list(grades))):
                if (found := self.searcher.explain(tuning, asked)).ids:
                    yield found.graded(grades)


def tunings(tuned: Tuned, systems: Sequence[str] = SYSTEMS) -> dict[str, Tuning]:
    """The engine alone by its own best boosts, all else by the tuning."""
    return {name: tuned.baseline if name == "lexical" else tuned.tuning for name in systems}


def beside_relevance(fitted: Fitted, share: float | None = None) -> dict[str, float]:
    """Fitted weights, scaled so that words and meaning have 1 together.

    share: of the words in that; None: as fitted.
    """
    relevance = sum(fitted.weights.get(name, 0.0) for name in LEGS) or 1.0
    if share is None:
        share = round(fitted.weights.get("lexical", 0.0) / relevance, DIGITS)
    rest = {
        name: round(weight / relevance, DIGITS)
        for name, weight in fitted.weights.items()
        if name not in LEGS
    }
    return {**_legs(share), **rest}


def _legs(share: float) -> dict[str, float]:
    return {"lexical": share, "text": round(1 - share, DIGITS)}


def _describe(tuning: Tuning) -> str:
    boosts = " ".join(f"{name}^{boost:g}" for name, boost in tuning.boosts.items())
    return (
        f"{boosts}, floor {tuning.floor:g}, words {tuning.fusion['lexical']:g} in the fusion and"
        f" {tuning.weights['lexical']:g} in the blend"
    )
