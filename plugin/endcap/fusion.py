"""Fusion: the legs become one window of candidates, and the fused order is their weighted sum.

Both scores are calibrated first, by the query's own best or by rank (reciprocal rank fusion), so
fusion is one formula: `sum(weight * calibrated)` (`endcap_reranker.calibration` has the sources).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.groups import Group
from endcap.histories import HistoryLeg
from endcap.neighbours import VectorLeg
from endcap.opening import Snapshot
from endcap.recall import LexicalLeg, Scored
from endcap_reranker import (
    Blend,
    Candidates,
    LexicalColumn,
    Reranked,
    Reranker,
    Scorer,
    TextColumn,
    by_best,
    by_rank,
)


@dataclass(frozen=True, slots=True)
class Window:
    """The union of the legs, the engine's hits first.

    ids: of every candidate. extra: how many of them the caller's own query does not find.
    counted: the ids that aggregations count although the caller's own query does not find them.
    groups: of every candidate, where the caller collapses.
    """

    ids: list[str]
    candidates: Candidates
    extra: int
    counted: list[str]
    groups: Sequence[Group] = ()


def fuse(
    snapshot: Snapshot,
    reading: Reading,
    lexical: LexicalLeg | None,
    vector: VectorLeg | None,
    history: HistoryLeg | None,
) -> Window:
    """Bring the legs together; a leg that is left out is None."""
    generation = snapshot.generation
    (rows, scores, vectors), ids = _lexical_part(snapshot, lexical)
    brought = [vectors]
    extra = 0
    seen = np.zeros(len(generation), dtype=bool)  # a mark a row: sorting would cost more
    seen[rows[rows >= 0]] = True
    if vector is not None:
        extra = int(np.count_nonzero(~seen[vector.extra]))
    for found in _found(vector, history):
        new = found.take(~seen[found.rows])
        rows = np.concatenate([rows, new.rows])
        scores = np.concatenate([scores, new.scores])
        brought.append(new.vectors)
        ids = ids + generation.ids(new.rows)
        seen[new.rows] = True
    if not reading.text and _says_nothing(scores):
        scores = np.full_like(scores, np.nan)
    candidates = Candidates(
        rows=rows,
        lexical=scores,
        query_vector=None if vector is None else vector.query_vector,
        vectors=snapshot.vectors.of(rows, brought),
        product_columns={},
        shopper=None if history is None else history.shopper,
    )
    counted = [] if vector is None else generation.ids(vector.counted)
    return Window(ids, candidates, extra, counted)


def rerank(
    snapshot: Snapshot, candidates: Candidates, weights: Mapping[str, float], fusion: str
) -> Reranked:
    """Order the candidates by every column that has a weight."""
    calibrate = by_rank if fusion == "rrf" else by_best
    scorers: list[Scorer] = [LexicalColumn(calibrate), TextColumn(calibrate), *snapshot.scorers]
    weighted = {scorer.name: weights.get(scorer.name, 0.0) for scorer in scorers}
    used = [scorer for scorer in scorers if weighted[scorer.name] > 0]
    return Reranker(used, Blend(weighted)).rerank(candidates)


def _lexical_part(snapshot: Snapshot, lexical: LexicalLeg | None) -> tuple[Scored, list[str]]:
    if lexical is None:
        return Scored.nothing(), []
    ids = list(lexical.ids) or snapshot.generation.ids(lexical.rows)
    return Scored(lexical.rows, lexical.scores, lexical.vectors), ids


def _found(vector: VectorLeg | None, history: HistoryLeg | None) -> Iterator[Scored]:
    if vector is not None:
        yield vector.found
    if history is not None:
        yield history.found


def _says_nothing(scores: NDArray[np.float32]) -> bool:
    """One score for every product is no opinion: a filter, or `match_all`."""
    return bool(len(scores)) and bool(scores.min() == scores.max())
