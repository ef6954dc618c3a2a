"""The documents a clause finds, best first, equal scores in the order of their writing."""

from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from .clauses import NOTHING, Clause, Occur, Scores, found_by
from .columns import SEQ_NO
from .snapshots import Snapshot

SAME = 2e-7  # scores closer than this, relatively, differ by the order of f32 sums alone
SPARE = 64  # hits beyond the wanted ones, to see whether the last ones tie


class Hit(NamedTuple):
    seq_no: int
    address: tantivy.DocAddress
    score: float


class Ranked(NamedTuple):
    hits: list[Hit]
    total: int  # of all that was found; -1 where it was not counted


NO_HITS = Ranked([], 0)


def narrow(clause: Clause, condition: Clause) -> Clause:
    """The clause's documents that meet a condition too, with the clause's scores."""
    if clause is NOTHING or condition is NOTHING:
        return NOTHING
    pairs = [(Occur.Must, clause.query), (Occur.Must, condition.scored(0.0).query)]
    query = tantivy.Query.boolean_query(pairs)
    return Clause(query, clause.constant, clause.phrases, clause.scorer)


def rank(
    snapshot: Snapshot, clause: Clause, wanted: int, min_score: float | None, count: bool
) -> Ranked:
    """At least the best ``wanted`` hits, where there are so many."""
    if clause is NOTHING:
        return NO_HITS
    if clause.scorer is not None or min_score is not None:
        return _rank_all(snapshot, clause, min_score)
    if wanted == 0:
        return Ranked([], snapshot.count(clause.query) if count else -1)
    if clause.constant is not None:
        return _rank_constant(snapshot, clause, clause.constant, wanted, count)
    return _rank_best(snapshot, clause.query, wanted, count)


def find_all(snapshot: Snapshot, clause: Clause) -> list[Hit]:
    """Every hit, in the order of writing."""
    if clause is NOTHING:
        return []
    seq_nos, scores, addresses = found_by(snapshot, clause.query)
    if clause.scorer is not None:
        scores = clause.scorer(snapshot, seq_nos, clause.query)
    return list(map(Hit, seq_nos.tolist(), addresses, scores.tolist()))


def order_ties(hits: list[Hit]) -> list[Hit]:
    """Descending hits, with those of the same score ordered by sequence number."""
    scores = np.array([hit.score for hit in hits])
    starts = np.flatnonzero(~_ties(scores)) + 1
    if len(starts) == len(hits) - 1:
        return hits
    ordered: list[Hit] = []
    bounds = [0, *starts.tolist(), len(hits)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        ordered.extend(sorted(hits[start:end], key=_seq_no) if end - start > 1 else hits[start:end])
    return ordered


def _ties(scores: Scores) -> NDArray[np.bool_]:
    """Whether each score is the same as the one after it."""
    return scores[:-1] - scores[1:] <= SAME * np.abs(scores[:-1])


def _seq_no(hit: Hit) -> int:
    return hit.seq_no


def _rank_all(snapshot: Snapshot, clause: Clause, min_score: float | None) -> Ranked:
    hits = find_all(snapshot, clause)
    if min_score is not None:
        hits = [hit for hit in hits if hit.score >= min_score]
    hits.sort(key=lambda hit: -hit.score)
    return Ranked(order_ties(hits), len(hits))


def _rank_constant(
    snapshot: Snapshot, clause: Clause, score: float, wanted: int, count: bool
) -> Ranked:
    result = snapshot.searcher.search(
        clause.query,
        limit=wanted,
        count=count,
        order_by_field=SEQ_NO,
        order=tantivy.Order.Asc,
    )
    hits = [Hit(seq_no, address, score) for seq_no, address in result.hits]
    return Ranked(hits, result.count if count else -1)


def _rank_best(snapshot: Snapshot, query: tantivy.Query, wanted: int, count: bool) -> Ranked:
    limit = wanted + SPARE
    while True:
        result = snapshot.searcher.search(query, limit=limit, count=count)
        found = result.hits
        scores = np.array([score for score, _ in found])
        if len(found) < limit or not _ties(scores)[wanted - 1 :].all():
            break
        limit *= 4  # the last wanted hit ties with all the spare ones
    addresses = [address for _, address in found]
    seq_nos = snapshot.seq_nos(addresses) if addresses else []
    hits = list(map(Hit, seq_nos, addresses, scores.tolist()))
    return Ranked(order_ties(hits), result.count if count else -1)
