"""Terms, phrases and blended terms with the scores that Lucene gives them."""

from collections.abc import Sequence

import tantivy

from .clauses import NOTHING, Clause, Phrase, disjunction_max
from .columns import PADDING, Column
from .snapshots import Snapshot
from .statistics import K1, K1_PLUS_1, B, idf


def score_term(
    snapshot: Snapshot,
    column: Column,
    term: str,
    boost: float = 1.0,
    frequency: int | None = None,
) -> Clause:
    """BM25 of one term of a text column; ``frequency`` replaces its document frequency."""
    statistics = snapshot.statistics
    if term == PADDING or not statistics.frequency(column, term):
        return NOTHING
    query = tantivy.Query.term_query(snapshot.schema, column.name, term, "freq")
    factor = boost * statistics.correction(column, term, frequency)
    phrase = Phrase(column.field.name, ((0, term),))
    return Clause(tantivy.Query.boost_query(query, factor), None, (phrase,))


def boolean_weight(snapshot: Snapshot, column: Column, value: bool) -> float:
    """The score of a boolean's value: a term like others, in fields of length one without norms."""
    statistics = snapshot.statistics
    frequencies = [statistics.frequency(column, int(one)) for one in (False, True)]
    having = statistics.marked(column.name)
    if not having or not frequencies[value]:
        return 0.0
    average = sum(frequencies) / having
    return idf(having, frequencies[value]) / (1 + K1 * (1 - B + B / average))


def score_phrase(
    snapshot: Snapshot, column: Column, terms: Sequence[tuple[int, str]], boost: float
) -> Clause:
    """BM25 of a phrase, (position, term) each: its weight is the sum of its terms' weights."""
    if len(terms) == 1:
        return score_term(snapshot, column, terms[0][1], boost)
    statistics = snapshot.statistics
    frequencies = [statistics.frequency(column, term) for _, term in terms]
    if not all(frequencies):
        return NOTHING
    having = statistics.having(column)
    lucene = sum(idf(having, frequency) for frequency in frequencies)
    ours = sum(idf(statistics.all_documents, frequency) for frequency in frequencies)
    query = tantivy.Query.phrase_query(snapshot.schema, column.name, list(terms))
    factor = boost * lucene / ours / K1_PLUS_1
    phrase = Phrase(column.field.name, tuple(terms))
    return Clause(tantivy.Query.boost_query(query, factor), None, (phrase,))


def score_blended(
    snapshot: Snapshot,
    columns: Sequence[tuple[Column, float]],
    term: str,
    tie_breaker: float,
) -> Clause:
    """One term over several fields as if they were one: Lucene's BlendedTermQuery.

    All fields take the largest document frequency, one more each time it falls in descending
    order, so that a rarer field still weighs less.
    """
    if len(columns) == 1:
        return score_term(snapshot, columns[0][0], term, columns[0][1])
    statistics = snapshot.statistics
    found = [(statistics.frequency(column, term), column, boost) for column, boost in columns]
    found = [item for item in sorted(found, key=lambda item: -item[0]) if item[0]]
    if not found:
        return NOTHING
    limit = min(statistics.documents, *(statistics.tokens(column) for _, column, _ in found))
    previous = found[0][0]
    blended = min(limit, previous)
    clauses = []
    for frequency, column, boost in found:
        blended += previous > frequency
        previous = frequency
        clauses.append(score_term(snapshot, column, term, boost, min(limit, blended)))
    return disjunction_max(clauses, tie_breaker)
