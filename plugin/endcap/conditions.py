"""Taking a query apart: which clauses are text, and what remains binding when they are made
optional.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Query: TypeAlias = Mapping[str, Any]

TEXT_CLAUSES = {
    "match": "query",
    "match_phrase": "query",
    "match_phrase_prefix": "query",
    "match_bool_prefix": "query",
    "multi_match": "query",
    "combined_fields": "query",
    "simple_query_string": "query",
    "query_string": "query",
}
CONDITION_CLAUSES = frozenset(
    "term terms ids range exists prefix wildcard regexp fuzzy match_all match_none nested"
    " geo_distance geo_bounding_box geo_polygon geo_shape terms_set has_child has_parent"
    " percolate span_term".split()
)
# Each wraps one query whose matches it keeps: the text is inside.
WRAPPERS = {"function_score": "query", "boosting": "positive"}


class Apart(NamedTuple):
    """A query taken apart.

    `texts`: the texts of its text clauses, in order. `conditions`: queries that bind whatever the
    text says. `required`: a document must match a text clause to be found.
    """

    texts: tuple[str, ...]
    conditions: tuple[Query, ...]
    required: bool


class NotTakenApart(Exception):
    """A clause whose matches do not follow from text and conditions; carries the clause's name."""


def take_apart(query: Query) -> Apart:
    """Split a query into text and conditions; raises `NotTakenApart` with the clause that cannot be
    split.
    """
    if len(query) != 1:
        raise NotTakenApart("a query of several clauses")
    ((name, clause),) = query.items()
    if name in TEXT_CLAUSES:
        return Apart((_text(name, clause),), (), True)
    if name in CONDITION_CLAUSES:
        return Apart((), (query,), False)
    if name == "constant_score":
        return Apart((), (clause["filter"],), False)
    if name in WRAPPERS and "min_score" not in clause:
        return take_apart(clause.get(WRAPPERS[name], {"match_all": {}}))
    if name == "dis_max":
        return _any_of(clause["queries"], query)
    if name == "bool":
        return _bool(clause)
    raise NotTakenApart(name)


def clauses(value: Any) -> Sequence[Query]:
    """The clauses of an occurrence of a bool query: one object or a list of them."""
    if value is None:
        return ()
    return [value] if isinstance(value, Mapping) else list(value)


def _bool(clause: Mapping[str, Any]) -> Apart:
    must = [take_apart(part) for part in clauses(clause.get("must"))]
    filters = list(clauses(clause.get("filter")))
    should = _should(clause, alone=not must and not filters)
    conditions = [condition for part in must for condition in part.conditions] + filters
    if forbidden := clauses(clause.get("must_not")):
        conditions.append({"bool": {"must_not": list(forbidden)}})
    parts = [*must, should]
    return Apart(
        tuple(text for part in parts for text in part.texts),
        (*conditions, *should.conditions),
        any(part.required for part in parts),
    )


def _should(clause: Mapping[str, Any], *, alone: bool) -> Apart:
    """The optional clauses of a bool query; `alone` when nothing else decides what is found."""
    options = clauses(clause.get("should"))
    if not options:
        return Apart((), (), False)
    least = clause.get("minimum_should_match", 1 if alone else 0)
    apart = _any_of(options, {"bool": {"should": list(options), "minimum_should_match": least}})
    if str(least) in ("0", "0%"):
        return Apart(apart.texts, (), False)
    return apart


def _any_of(options: Sequence[Query], whole: Query) -> Apart:
    """Alternatives: with a text among them, making it optional frees them all; without, they bind
    as a whole.
    """
    parts = [take_apart(option) for option in options]
    texts = tuple(text for part in parts for text in part.texts)
    if not texts:
        return Apart((), (whole,), False)
    shared = _shared_conditions(parts)
    return Apart(texts, shared, all(part.required for part in parts))


def _shared_conditions(parts: Sequence[Apart]) -> tuple[Query, ...]:
    """What binds whichever alternative is taken: the conditions of each, as alternatives again."""
    if any(not part.conditions for part in parts):
        return ()
    alternatives = [{"bool": {"filter": list(part.conditions)}} for part in parts]
    return ({"bool": {"should": alternatives, "minimum_should_match": 1}},)


def _text(name: str, clause: Any) -> str:
    if name in ("match", "match_phrase", "match_phrase_prefix", "match_bool_prefix"):
        ((_, clause),) = clause.items()
    if isinstance(clause, Mapping):
        clause = clause[TEXT_CLAUSES[name]]
    return str(clause)
