"""Fusion: the legs become one window of candidates, and the fused order is their weighted sum.

Both scores are calibrated first, by the query's own best or by rank (reciprocal rank fusion), so
fusion is one formula: `sum(weight * calibrated)` (`endcap_reranker.calibration` has the sources).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.histories import HistoryLeg
from endcap.recall import LexicalLeg, Scored, VectorLeg
from endcap.snapshots import Snapshot
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

    ids: of every candidate. extra: how many of them the caller's own query does not find. found:
    the ids that aggregations count although the caller's own query does not find them.
    """

    ids: list[str]
    candidates: Candidates
    extra: int
    found: list[str]


def fuse(
    snapshot: Snapshot,
    reading: Reading,
    lexical: LexicalLeg | None,
    vector: VectorLeg | None,
    history: HistoryLeg | None,
) -> Window:
    """Bring the legs together; a leg that was left behind is None."""
    generation = snapshot.generation
    rows, scores, ids = _lexical_part(snapshot, lexical)
    extra, found = 0, np.empty(0, np.int64)
    if vector is not None and reading.text_required:
        extra = int((vector.lexical[~np.isin(vector.rows, rows)] <= 0).sum())
        found = vector.found
    for leg in _rest(vector, history):
        new = ~np.isin(leg.rows, rows)
        rows = np.concatenate([rows, leg.rows[new]])
        scores = np.concatenate([scores, leg.scores[new]])
        ids = ids + generation.ids(leg.rows[new])
    if reading.matches_all:  # every score is the same constant: the engine has no opinion
        scores = np.full_like(scores, np.nan)
    candidates = Candidates(
        rows=rows,
        lexical=scores,
        query_vector=None if vector is None else vector.query_vector,
        vectors=generation.index.vectors(rows),
        product_columns={},
        shopper=None if history is None else history.shopper,
    )
    return Window(ids, candidates, extra, generation.ids(found))


def _rest(vector: VectorLeg | None, history: HistoryLeg | None) -> Iterator[Scored]:
    """What the legs beside the lexical one found, with the scores of the caller's own query."""
    if vector is not None:
        yield Scored(vector.rows, vector.lexical)
    if history is not None:
        yield history.found


def _lexical_part(
    snapshot: Snapshot, lexical: LexicalLeg | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    if lexical is None:
        return np.empty(0, np.int64), np.empty(0, np.float32), []
    return lexical.rows, lexical.scores, lexical.ids or snapshot.generation.ids(lexical.rows)


def rerank(
    snapshot: Snapshot, candidates: Candidates, weights: Mapping[str, float], fusion: str
) -> Reranked:
    """Order the candidates by every column that has a weight; fused order: weights of lexical and
    text alone.
    """
    calibrate = by_rank if fusion == "rrf" else by_best
    scorers: list[Scorer] = [LexicalColumn(calibrate), TextColumn(calibrate), *snapshot.scorers]
    weighted = {scorer.name: weights.get(scorer.name, 0.0) for scorer in scorers}
    return Reranker([s for s in scorers if weighted[s.name] > 0], Blend(weighted)).rerank(
        candidates
    )
