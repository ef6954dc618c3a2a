"""The stages of one search that is re-ranked, in the order in which they run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from endcap.accounts import Account
from endcap.bodies import Reading
from endcap.cursors import Cursor
from endcap.fusion import Window, fuse
from endcap.groups import Groups, group
from endcap.histories import HistoryLeg, Identify
from endcap.legs import Recall, Recalled
from endcap.neighbours import VectorLeg
from endcap.opening import Snapshot
from endcap.pages import Page, cut, head_request, tail_request
from endcap.plans import Plan
from endcap.ranking import Ranking, speaking
from endcap.recall import Scored
from endcap.requests import SearchRequest
from endcap.responses import assemble, explain, scored, scored_below, with_extension
from endcap.sources import hide
from endcap.steps import Call, Steps, outcome_within
from endcap_indexer.catalogue import VECTOR_FIELD
from endcap_indexer.filter_path import filter_response
from endcap_reranker import Reranked

GROUPS = "grouping"
VECTORS = "vector fetch"

T = TypeVar("T")


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
        recalled = yield from self._recall()
        self.account.stage("recall")
        if not self.reading.text and (recalled.history is None or recalled.history.shopper is None):
            return self._unranked("no text and a shopper without a history")
        recalled, groups = yield from self._group(recalled)
        window = self._fuse(recalled, groups)
        vectors = yield from self._vectors(window)
        reranked = yield from self._rank(window, vectors, recalled.history)
        self.account.stage("rerank")
        if self.account.degraded and speaking(reranked) <= {"lexical"}:
            return self._unranked("nothing is left to re-rank by")
        more = self.plan.recall == "vector" or len(recalled.lexical.rows) >= self.plan.window
        page = cut(reranked.order.tolist(), self.reading, more=more)
        hits, answers = yield from self._fetch(window, reranked, page)
        self.account.stage("fetch")
        best = float(reranked.scores[reranked.order[0]]) if len(reranked.order) else None
        response = assemble(
            self.request, recalled.lexical.answer, answers, hits, best, window.extra
        )
        return self._answer(response, window, reranked, page, recalled.history)

    def _recall(self) -> Steps[Recalled]:
        common = (self._leg_request(), self.reading, self.snapshot, self.plan)
        return (yield from Recall(*common, self.identify, self.account).run())

    def _unranked(self, reason: str) -> Unranked:
        """For this reason, and for what was left out."""
        return Unranked("; ".join([reason, *self.account.reasons]))

    def _leg_request(self) -> SearchRequest:
        """The caller's request with as much of the index's search pipeline as acts on a leg."""
        pipeline = self.snapshot.pipeline
        return self.request if pipeline is None else pipeline.on_leg(self.request)

    def _group(self, recalled: Recalled) -> Steps[tuple[Recalled, Groups | None]]:
        """What stands for the groups of what was found; the engine's own where it is not asked."""
        if self.reading.collapse is None:
            return recalled, None
        groups = yield from self._ask(GROUPS, self._find_groups(recalled))
        if groups is None:
            recalled = _without_finds(recalled)
            groups = yield from self._find_groups(recalled)  # asks nothing
        return _represented(recalled, groups), groups

    def _find_groups(self, recalled: Recalled) -> Steps[Groups]:
        assert self.reading.collapse is not None  # _group() looked
        legs = [leg for leg in (recalled.vector, recalled.history) if leg is not None]
        found = [leg.found for leg in legs]
        extra = Scored.nothing().rows if recalled.vector is None else recalled.vector.extra
        common = (self._leg_request(), self.snapshot, self.reading, self.reading.collapse)
        return (yield from group(*common, recalled.lexical, found, extra))

    def _ask(self, stage: str, steps: Steps[T]) -> Steps[T | None]:
        """What the engine says to a stage before the deadline; None where that is left out, and
        said.
        """
        if self.account.hung or not self.account.admits(stage):
            return None
        return self.account.take(stage, (yield from outcome_within(self.plan.deadline, steps)))

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
            vectors = self.account.take(VECTORS, (yield from outcome_within(None, fetch)))
        else:
            vectors = yield from self._ask(VECTORS, fetch)
        if vectors is None:
            shape = (len(window.rows), self.snapshot.generation.manifest.dimension)
            vectors = np.full(shape, np.nan, np.float32)
        return vectors

    def _rank(
        self, window: Window, vectors: NDArray[np.float32], history: HistoryLeg | None
    ) -> Steps[Reranked]:
        plan = replace(self.plan, weights=self._weights(window, history))
        return (yield from Ranking(self.snapshot, plan, self.account).run(window, vectors))

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


def _without_finds(recalled: Recalled) -> Recalled:
    """What only the other legs found is left out; what they say of the engine's hits is not."""
    lexical, vector, history = recalled
    if vector is not None:
        vector = VectorLeg.of(vector.query_vector)
    if history is not None:
        history = replace(history, found=Scored.nothing())
    return Recalled(lexical, vector, history)
