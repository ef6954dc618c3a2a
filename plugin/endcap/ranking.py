"""Ranking: the order of a window is the weighted sum of calibrated columns.

Both scores are calibrated by the query's own best or by rank (reciprocal rank fusion), so fusion is
one formula: `sum(weight * calibrated)` (`endcap_reranker.calibration` has the sources). Every
column is a stage of its own: one that fails or is late is left out, and the others order the
window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap.accounts import Account
from endcap.fusion import Window
from endcap.opening import Snapshot
from endcap.plans import Plan
from endcap.steps import Computation, Legs, Outcome, Steps
from endcap_reranker import (
    Blend,
    Candidates,
    LexicalColumn,
    Reranked,
    Scorer,
    TextColumn,
    by_best,
    by_rank,
    order_by,
    score_column,
)

MODEL = "model"
IMPERSONAL = ("lexical", "text", "popularity")  # the columns that need no shopper

Column = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The columns of one search, by the weights that it goes by."""

    snapshot: Snapshot
    plan: Plan
    account: Account

    def run(self, window: Window, vectors: NDArray[np.float32]) -> Steps[Reranked]:
        """The order of the candidates, whose vectors these are, by every column that has a weight
        and came in time.
        """
        candidates = Candidates(
            rows=window.rows,
            lexical=window.lexical,
            query_vector=window.query_vector,
            vectors=vectors,
            shopper=window.shopper,
        )
        scorers = self._scorers()
        weighted = {scorer.name: self.plan.weights.get(scorer.name, 0.0) for scorer in scorers}
        used = [s for s in scorers if weighted[s.name] > 0 and self._admits(s, candidates)]
        columns: dict[str, Column] = {}
        for scorer, outcome in zip(used, (yield from self._score(used, candidates)), strict=True):
            if (column := self._take(scorer, outcome)) is not None:
                columns[scorer.name] = column
        return order_by(Blend(weighted), columns, len(candidates))

    def _scorers(self) -> list[Scorer]:
        calibrate = by_rank if self.plan.fusion == "rrf" else by_best
        return [LexicalColumn(calibrate), TextColumn(calibrate), *self.snapshot.scorers]

    def _admits(self, scorer: Scorer, candidates: Candidates) -> bool:
        """A column that has nothing to look at would not be tried."""
        silent = scorer.name not in IMPERSONAL and candidates.shopper is None
        return silent or self.account.admits(_stage(scorer))

    def _score(
        self, scorers: Sequence[Scorer], candidates: Candidates
    ) -> Steps[Sequence[Outcome[Column]]]:
        """What each says. Only the user-item model may take long: a thread can be left behind."""
        if self.plan.deadline is None:
            outcomes: Sequence[Outcome[Column]] = yield Computation(
                lambda: [_outcome(scorer, candidates) for scorer in scorers]
            )
            return outcomes
        waited = [scorer for scorer in scorers if scorer.name != MODEL]
        others = [scorer for scorer in scorers if scorer.name == MODEL]
        at_once = Computation(lambda: [_outcome(scorer, candidates) for scorer in waited])
        legs = [_leg(at_once), *(_leg(_computation(scorer, candidates)) for scorer in others)]
        first, *rest = yield Legs(tuple(legs), self.plan.deadline)
        said = dict(zip([s.name for s in waited], first.result(), strict=True))
        said |= dict(zip([s.name for s in others], rest, strict=True))
        return [said[scorer.name] for scorer in scorers]

    def _take(self, scorer: Scorer, outcome: Outcome[Column]) -> Column | None:
        """A column that is silent says nothing of its stage either."""
        if outcome.value is not None and np.isnan(outcome.value).all():
            return outcome.value
        return self.account.take(_stage(scorer), outcome)


def speaking(reranked: Reranked) -> set[str]:
    """The columns that say something of some candidate."""
    return {name for name, column in reranked.columns.items() if not np.isnan(column).all()}


def _stage(scorer: Scorer) -> str:
    return f"{scorer.name} column"


def _outcome(scorer: Scorer, candidates: Candidates) -> Outcome[Column]:
    try:
        return Outcome(score_column(scorer, candidates))
    except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the account
        return Outcome(error=failure)


def _computation(scorer: Scorer, candidates: Candidates) -> Computation:
    return Computation(lambda: score_column(scorer, candidates))


def _leg(step: Computation) -> Steps[Any]:
    return (yield step)
