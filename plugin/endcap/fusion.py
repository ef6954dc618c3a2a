"""Fusion: the legs become one window of candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.groups import Group
from endcap.histories import HistoryLeg
from endcap.neighbours import VectorLeg
from endcap.opening import Snapshot
from endcap.recall import LexicalLeg, Scored
from endcap_reranker import Shopper


@dataclass(frozen=True, slots=True)
class Window:
    """The union of the legs, the engine's hits first.

    ids, rows, lexical: of every candidate; nan where no score of the engine says anything. extra:
    how many of them the caller's own query does not find. counted: the ids that aggregations count
    although the caller's own query does not find them. groups: of every candidate, where the caller
    collapses.
    """

    ids: list[str]
    rows: NDArray[np.int64]
    lexical: NDArray[np.float32]
    query_vector: NDArray[np.float32] | None
    shopper: Shopper | None
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
    rows, scores, ids = _lexical_part(snapshot, lexical)
    extra = 0
    seen = np.zeros(len(generation), dtype=bool)  # a mark a row: sorting would cost more
    seen[rows[rows >= 0]] = True
    if vector is not None:
        extra = int(np.count_nonzero(~seen[vector.extra]))
    for found in _found(vector, history):
        unseen = ~seen[found.rows]
        new = found.rows[unseen]
        rows = np.concatenate([rows, new])
        scores = np.concatenate([scores, found.scores[unseen]])
        ids = ids + generation.ids(new)
        seen[new] = True
    if not reading.text and _says_nothing(scores):
        scores = np.full_like(scores, np.nan)
    return Window(
        ids,
        rows,
        scores,
        query_vector=None if vector is None else vector.query_vector,
        shopper=None if history is None else history.shopper,
        extra=extra,
        counted=[] if vector is None else generation.ids(vector.counted),
    )


def _lexical_part(
    snapshot: Snapshot, lexical: LexicalLeg | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    if lexical is None:
        return *Scored.nothing(), []
    ids = list(lexical.ids) or snapshot.generation.ids(lexical.rows)
    return lexical.rows, lexical.scores, ids


def _found(vector: VectorLeg | None, history: HistoryLeg | None) -> Iterator[Scored]:
    if vector is not None:
        yield vector.found
    if history is not None:
        yield history.found


def _says_nothing(scores: NDArray[np.float32]) -> bool:
    """One score for every product is no opinion: a filter, or `match_all`."""
    return bool(len(scores)) and bool(scores.min() == scores.max())
