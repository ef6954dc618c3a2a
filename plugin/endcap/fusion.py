"""Fusion: the legs become one window of candidates, and the fused order is their weighted sum.

Both scores are calibrated first, by the query's own best or by rank (reciprocal rank fusion), so
fusion is one formula: `sum(weight * calibrated)` (`endcap_reranker.calibration` has the sources).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.profiles import Profile
from endcap.recall import LexicalLeg, VectorLeg
from endcap.snapshots import Snapshot
from endcap_reranker import (
    ACTION_WEIGHTS,
    Blend,
    Candidates,
    LexicalColumn,
    Reranked,
    Reranker,
    Scorer,
    Shopper,
    TextColumn,
    by_best,
    by_rank,
)

RECENT = 50  # events of the profile that the columns look at


@dataclass(frozen=True, slots=True)
class Window:
    """The union of both legs, the engine's hits first.

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
    profile: Profile | None,
) -> Window:
    """Bring the legs together; a leg that was left behind is None."""
    generation = snapshot.generation
    rows, scores, ids = _lexical_part(snapshot, reading, lexical)
    query_vector = vector.query_vector if vector is not None else None
    extra, found = 0, np.empty(0, np.int64)
    if vector is not None:
        new = ~np.isin(vector.rows, rows)
        if reading.text_required:
            extra, found = int((new & (vector.lexical <= 0)).sum()), vector.found
        rows = np.concatenate([rows, vector.rows[new]])
        scores = np.concatenate([scores, vector.lexical[new]])
        ids = ids + generation.ids(vector.rows[new])
    candidates = Candidates(
        rows=rows,
        lexical=scores,
        query_vector=query_vector,
        vectors=generation.index.vectors(rows),
        product_columns={},
        shopper=_shopper(snapshot, profile),
    )
    return Window(ids, candidates, extra, generation.ids(found))


def _lexical_part(
    snapshot: Snapshot, reading: Reading, lexical: LexicalLeg | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    if lexical is None:
        return np.empty(0, np.int64), np.empty(0, np.float32), []
    scores = lexical.scores
    if reading.matches_all:  # every score is the same constant: the engine has no opinion
        scores = np.full_like(scores, np.nan)
    return lexical.rows, scores, lexical.ids or snapshot.generation.ids(lexical.rows)


def _shopper(snapshot: Snapshot, profile: Profile | None) -> Shopper | None:
    """None for nobody: an unknown shopper gets exactly the order that nobody gets."""
    if profile is None or not profile.events:
        return None
    events = profile.events[-RECENT:][::-1]
    rows = snapshot.generation.rows([event.item for event in events])
    weights = [ACTION_WEIGHTS.get(event.action, 1.0) for event in events]
    return Shopper(
        rows, np.array(weights, dtype=np.float32), snapshot.generation.index.vectors(rows)
    )


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
