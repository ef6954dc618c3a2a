"""match, multi_match and match_phrase."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import tantivy

from .analysis import HOLE, analyze
from .arguments import (
    check_keys,
    is_scalar,
    minimum_matches,
    one_field,
    parsing_error,
    read_boost,
    read_float,
    read_object,
)
from .clauses import NOTHING, Clause, Occur, all_phrases, disjunction_max
from .columns import Column
from .errors import RequestError, illegal_argument, unsupported
from .fields import ANALYZERS
from .scoring import score_blended, score_phrase, score_term
from .snapshots import Snapshot
from .term_queries import find_exactly, resolve
from .values import preview

MATCH = {"query", "operator", "minimum_should_match", "boost", "analyzer", "zero_terms_query",
         "auto_generate_synonyms_phrase_query", "fuzzy_transpositions"}  # fmt: skip
MATCH_ELSEWHERE = {"fuzziness", "prefix_length", "max_expansions", "fuzzy_rewrite", "lenient",
                   "cutoff_frequency"}  # fmt: skip
MULTI_MATCH = MATCH | {"fields", "type", "tie_breaker"}
MATCH_PHRASE = {"query", "boost", "analyzer", "slop", "zero_terms_query"}
Score = Callable[[str], Clause]  # of one term


def match(snapshot: Snapshot, body: Any) -> Clause:
    name, arguments = one_field("match", body, "query")
    check_keys("match", arguments, MATCH, MATCH_ELSEWHERE)
    column = resolve(snapshot, name)
    if column is None:
        _text("match", arguments)
        return NOTHING
    return _match_field(snapshot, column, 1.0, "match", arguments).boosted(
        read_boost("match", arguments)
    )


def match_phrase(snapshot: Snapshot, body: Any) -> Clause:
    name, arguments = one_field("match_phrase", body, "query")
    check_keys("match_phrase", arguments, MATCH_PHRASE)
    column = resolve(snapshot, name)
    if column is None:
        return NOTHING
    return _phrase_field(snapshot, column, read_boost("match_phrase", arguments), arguments)


def multi_match(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("multi_match", body)
    check_keys("multi_match", arguments, MULTI_MATCH | {"slop"}, MATCH_ELSEWHERE)
    type = str(arguments.get("type", "best_fields"))
    if type not in _TYPES:
        if type in ("phrase_prefix", "bool_prefix"):
            raise unsupported(f"multi_match type {type}")
        reason = f"failed to parse [multi_match] query type [{type}]. unknown type."
        raise RequestError(400, "parse_exception", reason)
    columns = _expand(snapshot, arguments.get("fields", []), _text("multi_match", arguments))
    tie_breaker = read_float(
        "multi_match", arguments, "tie_breaker", 1.0 if type == "most_fields" else 0.0
    )
    clause = _TYPES[type](snapshot, columns, tie_breaker, arguments)
    return clause.boosted(read_boost("multi_match", arguments))


def _each_field(
    snapshot: Snapshot,
    columns: Sequence[tuple[Column, float]],
    tie_breaker: float,
    arguments: dict[str, Any],
) -> Clause:
    clauses = [
        _match_field(snapshot, column, boost, "multi_match", arguments) for column, boost in columns
    ]
    return disjunction_max(clauses, tie_breaker)


def _each_phrase(
    snapshot: Snapshot,
    columns: Sequence[tuple[Column, float]],
    tie_breaker: float,
    arguments: dict[str, Any],
) -> Clause:
    clauses = [_phrase_field(snapshot, column, boost, arguments) for column, boost in columns]
    return disjunction_max(clauses, tie_breaker)


def _cross_fields(
    snapshot: Snapshot,
    columns: Sequence[tuple[Column, float]],
    tie_breaker: float,
    arguments: dict[str, Any],
) -> Clause:
    """Fields of one analyzer are searched as one; exact fields each by the whole text."""
    text = _text("multi_match", arguments)
    groups: dict[str, list[tuple[Column, float]]] = {}
    clauses = []
    for column, boost in columns:
        if column.field.type == "text":
            groups.setdefault(_analyzer(column, arguments), []).append((column, boost))
        else:
            clauses.append(find_exactly(snapshot, column, text).boosted(boost))
    for analyzer, group in groups.items():
        terms = [term for term in analyze(analyzer, text) if term != HOLE]

        def score(term: str, group: list[tuple[Column, float]] = group) -> Clause:
            return score_blended(snapshot, group, term, tie_breaker)

        clauses.append(_combine(snapshot, terms, score, "multi_match", arguments))
    return disjunction_max(clauses, tie_breaker)


_TYPES: dict[
    str,
    Callable[[Snapshot, Sequence[tuple[Column, float]], float, dict[str, Any]], Clause],
] = {
    "best_fields": _each_field,
    "most_fields": _each_field,
    "cross_fields": _cross_fields,
    "phrase": _each_phrase,
}


def _match_field(
    snapshot: Snapshot, column: Column, boost: float, query: str, arguments: dict[str, Any]
) -> Clause:
    text = _text(query, arguments)
    if column.field.type != "text":
        return find_exactly(snapshot, column, arguments["query"]).boosted(boost)
    terms = [term for term in analyze(_analyzer(column, arguments), text) if term != HOLE]
    return _combine(
        snapshot,
        terms,
        lambda term: score_term(snapshot, column, term, boost),
        query,
        arguments,
    )


def _phrase_field(
    snapshot: Snapshot, column: Column, boost: float, arguments: dict[str, Any]
) -> Clause:
    text = _text("match_phrase", arguments)
    if column.field.type != "text":
        return find_exactly(snapshot, column, arguments["query"]).boosted(boost)
    analyzed = analyze(_analyzer(column, arguments), text)
    terms = [(position, term) for position, term in enumerate(analyzed) if term != HOLE]
    if not terms:
        return _no_terms(snapshot, arguments)
    if int(arguments.get("slop", 0)) and len(terms) > 1:
        raise unsupported("match_phrase.slop")
    first = terms[0][0]
    return score_phrase(snapshot, column, [(at - first, term) for at, term in terms], boost)


def _combine(
    snapshot: Snapshot, terms: Sequence[str], score: Score, query: str, arguments: dict[str, Any]
) -> Clause:
    """The terms' clauses under ``operator`` and ``minimum_should_match``.

    A single term ignores the minimum, as Lucene's query builder makes no boolean query of it.
    """
    required = _operator(query, arguments) == "and"
    if not is_scalar(arguments.get("minimum_should_match", 1)):
        raise parsing_error(f"[{query}] unknown token after [minimum_should_match]")
    if not terms:
        return _no_terms(snapshot, arguments)
    clauses = [score(term) for term in terms]
    if len(clauses) == 1:
        return clauses[0]
    optional = 0 if required else len(clauses)  # required ones do not count, as in Lucene
    needed = len(clauses) if required else 1
    if "minimum_should_match" in arguments:
        minimum = minimum_matches(arguments["minimum_should_match"], optional)
        if minimum > optional:
            return NOTHING
        needed = needed if required else minimum
    present = [clause for clause in clauses if clause is not NOTHING]
    if not present or needed > len(present):
        return NOTHING
    if len(present) == 1:
        return present[0]
    occur = Occur.Must if needed == len(present) else Occur.Should
    pairs = [(occur, clause.query) for clause in present]
    least = needed if 1 < needed < len(present) else None
    return Clause(
        tantivy.Query.boolean_query(pairs, minimum_number_should_match=least),
        None,
        all_phrases(present),
    )


def _no_terms(snapshot: Snapshot, arguments: dict[str, Any]) -> Clause:
    """A text of stop words alone."""
    wanted = str(arguments.get("zero_terms_query", "none")).lower()
    if wanted not in ("none", "all"):
        raise parsing_error(f"Unsupported zero_terms_query value [{wanted}]")
    return Clause(snapshot.everything).scored(1.0) if wanted == "all" else NOTHING


def _text(query: str, arguments: dict[str, Any]) -> str:
    if arguments.get("query") is None:
        raise _no_text(query)
    if isinstance(arguments["query"], dict | list):
        raise parsing_error(f"[{query}] unknown token [START_OBJECT] after [query]")
    return preview(arguments["query"])


def _no_text(query: str) -> RequestError:
    reasons = {
        "match": "No text specified for text query",
        "multi_match": "No text specified for multi_match query",
    }
    return parsing_error(reasons.get(query, f"[{query}] requires query value"))


def _operator(query: str, arguments: dict[str, Any]) -> str:
    operator = str(arguments.get("operator", "or")).lower()
    if operator not in ("or", "and"):
        raise illegal_argument(
            f"No enum constant org.opensearch.index.query.Operator.{operator.upper()}"
        )
    return operator


def _analyzer(column: Column, arguments: dict[str, Any]) -> str:
    analyzer = str(arguments.get("analyzer", column.field.search_analyzer))
    if analyzer not in ANALYZERS:
        raise unsupported(f"analyzer {analyzer}")
    return analyzer


def _expand(snapshot: Snapshot, fields: Any, text: str) -> list[tuple[Column, float]]:
    """Columns and boosts of `name^boost`; of a field that two patterns name they multiply."""
    names = [fields] if isinstance(fields, str) else ["*"] if fields == [] else fields
    if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
        raise parsing_error("[multi_match] query does not support these [fields]")
    boosts: dict[str, float] = {}
    for name in names:
        pattern, _, boost = name.partition("^")
        boosts[pattern] = float(boost) if boost else 1.0
    found: dict[str, tuple[Column, float]] = {}
    for pattern, boost in boosts.items():
        for column in _matching(snapshot, pattern, text):
            _, former = found.get(column.name, (column, 1.0))
            found[column.name] = (column, former * boost)
    return list(found.values())


def _matching(snapshot: Snapshot, pattern: str, text: str) -> list[Column]:
    """`*` leaves out what cannot hold the text; with another pattern that is an error."""
    if pattern == "*":
        return [one for one in snapshot.columns.values() if _can_hold(snapshot, one, text)]
    names = [name for name in snapshot.columns if fnmatchcase(name, pattern)]
    if "*" not in pattern or pattern.startswith("_"):
        names = [pattern]
    columns = (resolve(snapshot, name) for name in names)
    return [column for column in columns if column is not None]


def _can_hold(snapshot: Snapshot, column: Column, text: str) -> bool:
    if column.field.type in ("text", "keyword"):
        return column.field.index
    try:
        find_exactly(snapshot, column, text)
    except RequestError:
        return False
    return True
