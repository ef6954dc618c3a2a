"""The stages of one search that is re-ranked, in the order in which they run."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.cursors import Cursor
from endcap.fusion import Window, fuse, rerank
from endcap.groups import Groups, group
from endcap.histories import HistoryLeg, Identify, history_leg
from endcap.neighbours import VectorLeg, vector_leg
from endcap.opening import Snapshot
from endcap.pages import Page, cut, head_request, tail_request
from endcap.plans import Plan
from endcap.recall import LexicalLeg, Scored, lexical_leg
from endcap.requests import SearchRequest
from endcap.responses import assemble, explain, scored, scored_below, with_extension
from endcap.rounds import run_in_rounds
from endcap.sources import hide
from endcap.steps import Call, Computation, Late, Legs, Outcome, Steps
from endcap_indexer.catalogue import VECTOR_FIELD
from endcap_indexer.filter_path import filter_response
from endcap_reranker import Reranked

logger = logging.getLogger("endcap")
T = TypeVar("T")


@dataclass(slots=True)
class Account:
    """What happened, for `ext.endcap`: milliseconds by stage, what was left out and why."""

    reasons: list[str]
    took_ms: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def stage(self, name: str) -> None:
        """The time since the last stage ended was this one's."""
        now = time.perf_counter()
        self.took_ms[name] = round((now - self._last) * 1000, 3)
        self._last = now


class Recalled(NamedTuple):
    """What the legs found; a leg that failed or was late is None."""

    lexical: LexicalLeg
    vector: VectorLeg | None
    history: HistoryLeg | None


class Unranked(NamedTuple):
    """There is nothing to re-rank by, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Search:
    """One search with everything it pins; `identify` hashes who is asking, where somebody is."""

    request: SearchRequest
    reading: Reading
    snapshot: Snapshot
    plan: Plan
    identify: Identify | None
    account: Account

    def run(self) -> Steps[Any]:
        """Recall, fuse, re-rank, fetch, answer; `Unranked` where nobody has an opinion."""
        recalled = self._take((yield from self._outcomes(*self._legs())))
        self.account.stage("recall")
        if not self.reading.text and (recalled.history is None or recalled.history.shopper is None):
            return Unranked("no text and a shopper without a history")
        groups = None
        if self.reading.collapse is not None:
            groups = yield from self._group(self.reading.collapse, recalled)
            recalled = _represented(recalled, groups)
        window = self._fuse(recalled, groups)
        vectors = yield from self._vectors(window)
        reranked = yield Computation(lambda: self._rerank(window, vectors, recalled.history))
        self.account.stage("rerank")
        more = self.plan.recall == "vector" or len(recalled.lexical.rows) >= self.plan.window
        page = cut(reranked.order.tolist(), self.reading, more=more)
        hits, answers = yield from self._fetch(window, reranked, page)
        self.account.stage("fetch")
        best = float(reranked.scores[reranked.order[0]]) if len(reranked.order) else None
        response = assemble(
            self.request, recalled.lexical.answer, answers, hits, best, window.extra
        )
        return self._answer(response, window, reranked, page, recalled.history)

    def _outcomes(self, *legs: Steps[Any]) -> Steps[list[Outcome[Any]]]:
        """How each ended. The first one is waited for; only threads can leave another behind."""
        if self.plan.deadline is None:
            return (yield from run_in_rounds(legs))
        outcomes: list[Outcome[Any]] = yield Legs(legs, self.plan.deadline)
        return outcomes

    def _legs(self) -> tuple[Steps[Any], ...]:
        """The lexical, the vector and the history leg."""
        common = (self._leg_request(), self.snapshot, self.reading, self.plan.window)
        return (
            lexical_leg(*common),
            vector_leg(*common, self.plan.floor, self.plan.recall)
            if self.reading.text
            else _nothing(),
            history_leg(*common, self.identify),
        )

    def _leg_request(self) -> SearchRequest:
        """The caller's request with as much of the index's search pipeline as acts on a leg."""
        pipeline = self.snapshot.pipeline
        return self.request if pipeline is None else pipeline.on_leg(self.request)

    def _take(self, outcomes: list[Outcome[Any]]) -> Recalled:
        """The lexical leg must have come; another is left out where it failed, and that is said."""
        lexical, vector, history = outcomes
        recalled = Recalled(
            lexical.result(),
            self._unless_missing("vector leg", vector),
            self._unless_missing("history leg", history),
        )
        if self.reading.untaken is not None:
            self.account.reasons.append(f"no vector leg: {self.reading.untaken}")
        return recalled

    def _unless_missing(self, name: str, outcome: Outcome[T]) -> T | None:
        if outcome.error is None:
            return outcome.value
        if isinstance(outcome.error, Late):
            self.account.reasons.append(f"{name} was late")
        else:
            self.account.reasons.append(f"{name} failed: {outcome.error}")
            logger.warning("%s failed", name, exc_info=outcome.error)
        return None

    def _group(self, field: str, recalled: Recalled) -> Steps[Groups]:
        legs = [leg for leg in (recalled.vector, recalled.history) if leg is not None]
        found = [leg.found for leg in legs]
        extra = Scored.nothing().rows if recalled.vector is None else recalled.vector.extra
        common = (self._leg_request(), self.snapshot, self.reading, field)
        return (yield from group(*common, recalled.lexical, found, extra))

    def _fuse(self, recalled: Recalled, groups: Groups | None) -> Window:
        lexical = None if self.plan.recall == "vector" else recalled.lexical
        window = fuse(self.snapshot, self.reading, lexical, recalled.vector, recalled.history)
        if groups is not None:
            hits = 0 if lexical is None else len(lexical.rows)
            window = replace(window, groups=groups.of(window.rows, hits))
        return window

    def _vectors(self, window: Window) -> Steps[NDArray[np.float32]]:
        """Of the candidates; nan where those that are still missing are late or refused."""
        fetch = self.snapshot.vectors.fetch(window.rows)
        if self.snapshot.clustered is None:
            return (yield from fetch)
        _, outcome = yield from self._outcomes(_nothing(), fetch)
        vectors = self._unless_missing("vector fetch", outcome)
        if vectors is None:
            shape = (len(window.rows), self.snapshot.generation.manifest.dimension)
            vectors = np.full(shape, np.nan, np.float32)
        return vectors

    def _rerank(
        self, window: Window, vectors: NDArray[np.float32], history: HistoryLeg | None
    ) -> Reranked:
        weights = self._weights(window, history)
        return rerank(self.snapshot, window, vectors, weights, self.plan.fusion)

    def _weights(self, window: Window, history: HistoryLeg | None) -> Mapping[str, float]:
        """Where neither a text nor a score says anything, the user-item model alone orders the
        page, unless the request says otherwise.
        """
        suited = history is not None and history.suited
        silent = bool(np.isnan(window.lexical).all())
        options = self.request.options
        if suited and silent and options.weights is None and options.rerank:
            return {"model": 1.0}
        return self.plan.weights

    def _fetch(
        self, window: Window, reranked: Reranked, page: Page
    ) -> Steps[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        """The page's hits in their order, and the answers they came in.

        The engine is asked for an empty page too: it refuses what it would of a plain search.
        """
        hits: list[dict[str, Any]] = []
        answers: list[dict[str, Any]] = []
        request = (
            hide(self.request, VECTOR_FIELD)
            if self.snapshot.clustered is not None
            else self.request
        )
        common = (request, self.snapshot.index, self.reading, window, page)
        if page.positions or not page.size:
            answers.append((yield Call("search", head_request(*common).keywords())))
            hits += scored(answers[-1], window, reranked, page, self.reading.collapse)
        if page.size:
            answers.append((yield Call("search", tail_request(*common).keywords())))
            hits += scored_below(answers[-1], window, reranked)
        return hits, answers

    def _answer(
        self,
        response: dict[str, Any],
        window: Window,
        reranked: Reranked,
        page: Page,
        history: HistoryLeg | None,
    ) -> Any:
        generation, model = self.snapshot.identity
        extension: dict[str, Any] = {
            "applied": True,
            "reason": "; ".join(self.account.reasons) or None,
            "generation": generation,
            "model": model,
            "window": len(window.ids),
            "took_ms": self.account.took_ms,
            "cursor": Cursor(generation, model, self._version(history)).encode(),
        }
        if self.request.options.explain:
            extension["explanations"] = explain(window, reranked, page)
        took = int(sum(self.account.took_ms.values()))
        answer = with_extension({**response, "took": took}, extension)
        return filter_response(answer, self.request.option("filter_path"))

    def _version(self, history: HistoryLeg | None) -> int | None:
        """Of the profile that ordered this page: 0 where it was left out, as it is on the next."""
        if self.identify is None:
            return None
        return 0 if history is None else history.version


def _represented(recalled: Recalled, groups: Groups) -> Recalled:
    """What the legs found is replaced by what stands for its group."""
    lexical, vector, history = recalled
    if vector is not None:
        vector = replace(vector, found=groups.represent(vector.found))
    if history is not None:
        history = replace(history, found=groups.represent(history.found))
    return Recalled(lexical, vector, history)


def _nothing() -> Steps[None]:
    return None
    yield  # a leg that has nothing to do is a leg all the same
