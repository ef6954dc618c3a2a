"""The three legs of one search, which of them run, and what each brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap.accounts import Account
from endcap.bodies import Reading
from endcap.histories import HistoryLeg, Identify, history_leg
from endcap.neighbours import VectorLeg, vector_leg
from endcap.opening import Snapshot
from endcap.plans import Plan
from endcap.recall import LexicalLeg, lexical_leg
from endcap.refusals import cannot_now
from endcap.requests import SearchRequest
from endcap.rounds import run_in_rounds
from endcap.steps import Computation, Legs, Outcome, Steps, nothing
from endcap_indexer.encoder import QueryCache

ENCODER = "query encoder"
VECTOR = "vector leg"
HISTORY = "history leg"

Vector = NDArray[np.float32]


class Recalled(NamedTuple):
    """What the legs found; a leg that failed or was late is None."""

    lexical: LexicalLeg
    vector: VectorLeg | None
    history: HistoryLeg | None


class Unanswered(Exception):
    """The engine cannot answer the caller's own search now: asking again would double the wait.

    error: what the plain client raises.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Recall:
    """The legs of one search. request: with as much of the index's search pipeline as acts on one.
    identify: hashes who is asking, where somebody is.
    """

    request: SearchRequest
    reading: Reading
    snapshot: Snapshot
    plan: Plan
    identify: Identify | None
    account: Account

    def run(self) -> Steps[Recalled]:
        """The lexical leg must come; another is left out where it fails, and that is said.

        Raises `Unanswered`, or what the engine said about the caller's own search.
        """
        vector, history = self._vector_stage(), self._remembers()
        lexical, near, done = yield from self._outcomes(
            lexical_leg(*self._common),
            nothing() if vector is None else self._vector_leg(vector),
            history_leg(*self._common, self.identify) if history else nothing(),
        )
        if lexical.error is not None and not cannot_now(lexical.error):
            raise lexical.error  # about what was asked: it says nothing of the other legs
        recalled = (
            None if vector is None else self._take_near(vector, near),
            self.account.take(HISTORY, done) if history else None,
        )
        if lexical.error is not None:
            raise Unanswered(lexical.error)
        return self._said(Recalled(lexical.result(), *recalled))

    def _outcomes(self, *legs: Steps[Any]) -> Steps[Sequence[Outcome[Any]]]:
        """How each ended. The first one is waited for; only threads can leave another behind."""
        if self.plan.recall_deadline is None:
            return (yield from run_in_rounds(legs))
        outcomes: list[Outcome[Any]] = yield Legs(legs, self.plan.recall_deadline)
        return outcomes

    @property
    def _common(self) -> tuple[SearchRequest, Snapshot, Reading, int]:
        return (self.request, self.snapshot, self.reading, self.plan.window)

    def _vector_stage(self) -> "_VectorStage | None":
        """What the vector leg does; None where it does nothing."""
        queries, text = self.snapshot.queries, self.reading.text
        if not text or queries is None:
            return None
        known = queries.lookup(text)
        if known is None and not self.account.admits(ENCODER):
            return None
        wanted = self.reading.untaken is None and self.plan.recall != "lexical"
        return _VectorStage(queries, known, wanted and self.account.admits(VECTOR))

    def _vector_leg(self, stage: "_VectorStage") -> Steps[VectorLeg]:
        queries, text, query_vector = stage.queries, self.reading.text, stage.known
        if query_vector is None:
            query_vector = yield Computation(lambda: queries.encode_query(text))
        if not stage.looks_near:
            return VectorLeg.of(query_vector)
        return (yield from vector_leg(*self._common, query_vector, self.plan.floor))

    def _take_near(self, stage: "_VectorStage", outcome: Outcome[VectorLeg]) -> VectorLeg | None:
        """A text that was encoded orders what the others found, whatever became of the leg."""
        query_vector = stage.known
        if query_vector is None:
            if outcome.value is None:
                query_vector = stage.queries.lookup(self.reading.text)
            else:
                query_vector = outcome.value.query_vector
            self.account.take(ENCODER, outcome if query_vector is None else Outcome())
        if query_vector is None:
            return None
        if not stage.looks_near:
            return VectorLeg.of(query_vector)
        return self.account.take(VECTOR, outcome) or VectorLeg.of(query_vector)

    def _remembers(self) -> bool:
        """Whether there is a history to look at; without a shopper nothing would be tried."""
        return self.request.options.names_shopper and self.account.admits(HISTORY)

    def _said(self, recalled: Recalled) -> Recalled:
        if self.reading.untaken is not None:
            self.account.reasons.append(f"no vector leg: {self.reading.untaken}")
        if recalled.history is not None and recalled.history.note is not None:
            self.account.reasons.append(recalled.history.note)
        return recalled


@dataclass(frozen=True, slots=True)
class _VectorStage:
    """known: the text's vector, where it was encoded before. looks_near: or only encodes."""

    queries: QueryCache
    known: Vector | None
    looks_near: bool
