"""A parsed query: which documents it finds, and how they are scored.

What tantivy can score it scores. A function score cannot be put into tantivy, so a clause that has
one inside finds its documents with tantivy and is scored on arrays, bottom up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from .snapshots import Snapshot

Occur = tantivy.Occur
Scores = NDArray[np.float64]
# documents to score: (snapshot, seq_nos ascending, what finds just these) -> scores, 0: no match
Scorer = Callable[[Snapshot, NDArray[np.int64], tantivy.Query], Scores]


class Phrase(NamedTuple):
    """Terms to highlight in a field, with their distances; one term is a phrase too."""

    field: str
    terms: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Clause:
    """``query`` finds the documents and scores them, unless ``scorer`` does."""

    query: tantivy.Query
    constant: float | None = None  # every document found has this score
    phrases: tuple[Phrase, ...] = ()
    scorer: Scorer | None = None

    def boosted(self, boost: float) -> "Clause":
        if boost == 1.0 or self is NOTHING:
            return self
        scorer = self.scorer
        return replace(
            self,
            query=tantivy.Query.boost_query(self.query, boost),
            constant=None if self.constant is None else self.constant * boost,
            scorer=None if scorer is None else lambda *given: scorer(*given) * boost,
        )

    def scored(self, score: float) -> "Clause":
        """The same documents, each with this score."""
        if self is NOTHING:
            return self
        return Clause(tantivy.Query.const_score_query(self.query, score), score, self.phrases)

    def scores(
        self, snapshot: Snapshot, seq_nos: NDArray[np.int64], within: tantivy.Query
    ) -> Scores:
        """Aligned with ``seq_nos``, 0 where the clause does not find the document."""
        if self.scorer is not None:
            return self.scorer(snapshot, seq_nos, within)
        return native_scores(snapshot, self.query, seq_nos, within)


NOTHING = Clause(tantivy.Query.empty_query())


def found_by(
    snapshot: Snapshot, query: tantivy.Query
) -> tuple[NDArray[np.int64], Scores, list[tantivy.DocAddress]]:
    """Every document found, by ascending seq_no, with tantivy's scores."""
    hits = snapshot.searcher.search(query, limit=max(1, snapshot.size), count=False).hits
    addresses = [address for _, address in hits]
    seq_nos = np.array(snapshot.seq_nos(addresses) if addresses else [], dtype=np.int64)
    scores = np.array([score for score, _ in hits], dtype=np.float64)
    order = np.argsort(seq_nos)
    return seq_nos[order], scores[order], [addresses[position] for position in order]


def native_scores(
    snapshot: Snapshot,
    query: tantivy.Query,
    seq_nos: NDArray[np.int64],
    within: tantivy.Query,
) -> Scores:
    unscored = tantivy.Query.const_score_query(within, 0.0)
    both = tantivy.Query.boolean_query([(Occur.Must, unscored), (Occur.Must, query)])
    found, found_scores, _ = found_by(snapshot, both)
    scores = np.zeros(len(seq_nos))
    scores[np.searchsorted(seq_nos, found)] = found_scores
    return scores


def is_found(
    snapshot: Snapshot, clause: Clause, seq_nos: NDArray[np.int64], within: tantivy.Query
) -> NDArray[np.bool_]:
    """Which of the documents a clause finds."""
    one = tantivy.Query.const_score_query(clause.query, 1.0)
    return native_scores(snapshot, one, seq_nos, within) > 0


def all_phrases(clauses: Sequence[Clause]) -> tuple[Phrase, ...]:
    return tuple(phrase for clause in clauses for phrase in clause.phrases)


def disjunction_max(clauses: Sequence[Clause], tie_breaker: float) -> Clause:
    """The best clause's score, and of the others' the share that the tie breaker says."""
    present = [clause for clause in clauses if clause is not NOTHING]
    if len(present) <= 1:
        return present[0] if present else NOTHING
    query = tantivy.Query.disjunction_max_query([clause.query for clause in present], tie_breaker)

    def score(snapshot: Snapshot, seq_nos: NDArray[np.int64], within: tantivy.Query) -> Scores:
        every = np.array([clause.scores(snapshot, seq_nos, within) for clause in present])
        best: Scores = every.max(axis=0)
        summed: Scores = every.sum(axis=0)
        return best + tie_breaker * (summed - best)

    native = all(clause.scorer is None for clause in present)
    return Clause(query, None, all_phrases(present), None if native else score)


def sum_scorer(clauses: Sequence[Clause]) -> Scorer | None:
    """Adds the clauses' scores; None where tantivy can do it."""
    if all(clause.scorer is None for clause in clauses):
        return None

    def score(snapshot: Snapshot, seq_nos: NDArray[np.int64], within: tantivy.Query) -> Scores:
        scores = [clause.scores(snapshot, seq_nos, within) for clause in clauses]
        return np.asarray(np.sum(scores, axis=0), dtype=np.float64)

    return score


def scored_where_found(clause: Clause) -> Clause:
    """What its scorer adds up counts only where the clause as a whole finds the document."""
    scorer = clause.scorer
    if scorer is None:
        return clause

    def score(snapshot: Snapshot, seq_nos: NDArray[np.int64], within: tantivy.Query) -> Scores:
        scores = scorer(snapshot, seq_nos, within)
        if within is clause.query:
            return scores
        return np.where(is_found(snapshot, clause, seq_nos, within), scores, 0.0)

    return replace(clause, scorer=score)
