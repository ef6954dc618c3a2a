"""The stages of one search that is re-ranked, in the order in which they run."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any, TypeVar

from endcap.bodies import Reading
from endcap.configuration import SearchSettings
from endcap.cursors import Cursor
from endcap.fusion import Window, fuse, rerank
from endcap.histories import HistoryLeg, history_leg
from endcap.pages import Page, cut, head_request, tail_request
from endcap.recall import LexicalLeg, VectorLeg, lexical_leg, vector_leg
from endcap.requests import SearchRequest
from endcap.responses import assemble, explain, scored, scored_below, with_extension
from endcap.snapshots import Snapshot
from endcap.steps import Call, Computation, Late, Legs, Outcome, Steps
from endcap_reranker import Reranked

logger = logging.getLogger("endcap")
T = TypeVar("T")


@dataclass(slots=True)
class Account:
    """What happened, for `ext.endcap`: the milliseconds of each stage, and what was left out and
    why.
    """

    reasons: list[str]
    took_ms: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def stage(self, name: str) -> None:
        """The time since the last stage ended was this one's."""
        now = time.perf_counter()
        self.took_ms[name] = round((now - self._last) * 1000, 3)
        self._last = now


class Search:
    """One search with everything it pins."""

    def __init__(
        self,
        request: SearchRequest,
        reading: Reading,
        snapshot: Snapshot,
        settings: SearchSettings,
        shopper: str | None,
        note: str | None,
    ) -> None:
        self.request, self.reading, self.snapshot = request, reading, snapshot
        self.shopper = shopper
        self.account = Account([note] if note else [])
        options = request.options
        self.size = options.window or settings.window
        self.recall = options.recall or settings.recall
        self.fusion = options.fusion or settings.fusion
        self.budget_ms = options.budget_ms or settings.budget_ms
        self.floor = snapshot.tuning.floor if options.floor is None else options.floor
        tuned = snapshot.tuning.weights if options.rerank else snapshot.tuning.fusion
        self.weights = options.weights or tuned

    def run(self) -> Steps[Any]:
        """Recall, fuse, re-rank, fetch, answer."""
        lexical, vector, history = self._take((yield self._legs()))
        self.account.stage("recall")
        only_vectors = self.recall == "vector"
        window = fuse(
            self.snapshot, self.reading, None if only_vectors else lexical, vector, history
        )
        self.account.stage("fuse")
        reranked = yield Computation(
            lambda: rerank(self.snapshot, window.candidates, self.weights, self.fusion)
        )
        self.account.stage("rerank")
        more = only_vectors or len(lexical.rows) >= self.size
        page = cut(reranked.order.tolist(), self.reading, more=more)
        hits, answers = yield from self._fetch(window, reranked, page)
        self.account.stage("fetch")
        best = float(reranked.scores[reranked.order[0]]) if len(reranked.order) else None
        response = assemble(self.request, lexical.answer, answers, hits, best, window.extra)
        return self._answer(response, window, reranked, page, history)

    def _legs(self) -> Legs:
        vector = (
            vector_leg(
                self.request, self.snapshot, self.reading, self.size, self.floor, self.recall
            )
            if self.reading.text
            else _nothing()
        )
        history = history_leg(self.request, self.snapshot, self.reading, self.size, self.shopper)
        deadline = None if self.budget_ms is None else time.monotonic() + self.budget_ms / 1000
        lexical = lexical_leg(self.request, self.snapshot, self.reading, self.size)
        return Legs((lexical, vector, history), deadline)

    def _take(
        self, outcomes: list[Outcome[Any]]
    ) -> tuple[LexicalLeg, VectorLeg | None, HistoryLeg | None]:
        """The lexical leg must have come; another that failed or is late is left out, and that is
        said.
        """
        lexical, vector, history = outcomes
        found = lexical.result()
        if self.reading.untaken is not None:
            self.account.reasons.append(f"no vector leg: {self.reading.untaken}")
        vector_leg, history_leg = (
            self._unless_missing(name, leg)
            for name, leg in (("vector leg", vector), ("history leg", history))
        )
        return found, vector_leg, history_leg

    def _unless_missing(self, name: str, outcome: Outcome[Any]) -> Any:
        if outcome.error is None:
            return outcome.value
        if isinstance(outcome.error, Late):
            self.account.reasons.append(f"{name} was late")
        else:
            self.account.reasons.append(f"{name} failed: {outcome.error}")
            logger.warning("%s failed", name, exc_info=outcome.error)
        return None

    def _fetch(
        self, window: Window, reranked: Reranked, page: Page
    ) -> Steps[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        """The page's hits in their order, and the answers they came in."""
        hits: list[dict[str, Any]] = []
        answers: list[dict[str, Any]] = []
        index = self.snapshot.index
        if page.positions or not page.size and self.request.aggregates:
            asked = head_request(self.request, index, self.reading, window, page)
            answers.append((yield Call("search", asked.keywords())))
            hits += scored(answers[-1], window, reranked, page)
        if page.size:
            asked = tail_request(self.request, index, self.reading, window, page)
            answers.append((yield Call("search", asked.keywords())))
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
        version = history.version if history is not None else None
        extension: dict[str, Any] = {
            "applied": True,
            "reason": "; ".join(self.account.reasons) or None,
            "generation": generation,
            "model": model,
            "window": len(window.ids),
            "took_ms": self.account.took_ms,
            "cursor": Cursor(generation, model, version).encode(),
        }
        if self.request.options.explain:
            extension["explanations"] = explain(window, reranked, page)
        took = int(sum(self.account.took_ms.values()))
        answer = with_extension({**response, "took": took}, extension)
        paths = self.request.option("filter_path")
        return _filtered(answer, paths) if paths else answer


def _filtered(answer: dict[str, Any], paths: str) -> Any:
    # Imported where it is asked for: a client of a server need not load the embedded engine.
    from endcap_indexer.embedded.filter_path import filter_response

    return filter_response(answer, paths)


def _known(value: T) -> Steps[T]:
    return value
    yield  # a leg that has nothing to do is a leg all the same


def _nothing() -> Steps[None]:
    return _known(None)
