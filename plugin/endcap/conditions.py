"""Taking a query apart: which clauses are text, and what binds when they are made optional."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Query: TypeAlias = Mapping[str, Any]

MATCH_ALL: Query = {"match_all": {}}
TEXT_CLAUSES = frozenset(
    "match match_phrase match_phrase_prefix match_bool_prefix multi_match combined_fields"
    " simple_query_string query_string".split()
)
FIELD_CLAUSES = frozenset("match match_phrase match_phrase_prefix match_bool_prefix".split())
# What a text in a query language of its own says beside words: what must not be there, and where.
BINDING = {
    "query_string": re.compile(r"(?<!\w)-\S|\bNOT\b|!|:"),
    "simple_query_string": re.compile(r"(?<!\w)-\S"),
}
EVERYTHING = ("*", "*:*")
CONDITION_CLAUSES = frozenset(
    "term terms ids range exists prefix wildcard regexp fuzzy match_all match_none nested"
    " constant_score geo_distance geo_bounding_box geo_polygon geo_shape terms_set has_child"
    " has_parent percolate span_term".split()
)
JOINS = ("nested", "has_child", "has_parent")
# Each wraps one query whose matches it keeps: the text is inside.
WRAPPERS = {"function_score": "query", "boosting": "positive"}


class Apart(NamedTuple):
    """A query taken apart.

    texts: of its text clauses, in order. conditions: queries that bind whatever the text says.
    narrows: the query may find less than its conditions allow. positive: whatever it finds has a
    score above 0.
    """

    texts: tuple[str, ...]
    conditions: tuple[Query, ...]
    narrows: bool
    positive: bool


class NotTakenApart(Exception):
    """A clause whose matches do not follow from text and conditions; carries its name."""


def take_apart(query: Query) -> Apart:
    """Split a query into text and conditions; raises `NotTakenApart` with what cannot be split."""
    if len(query) != 1:
        raise NotTakenApart("a query of several clauses")
    ((name, clause),) = query.items()
    if name in BINDING and _text(name, clause).strip() in EVERYTHING:
        return Apart((), (query,), False, _is_positive(clause))
    if name in TEXT_CLAUSES:
        return Apart((_words(name, clause),), (), True, _is_positive(clause))
    if name in CONDITION_CLAUSES:
        return Apart((), (query,), False, _is_positive(clause))
    if name in WRAPPERS and "min_score" not in clause:
        inside = take_apart(clause.get(WRAPPERS[name], {"match_all": {}}))
        return inside._replace(positive=name == "boosting" and inside.positive)
    if name == "dis_max":
        return _any_of([take_apart(option) for option in clause["queries"]], query)
    if name == "bool":
        return _bool(clause)
    raise NotTakenApart(name)


def without_inner_hits(query: Any) -> Any:
    """The query, which finds the same: the engine refuses the same inner hits in two places."""
    if isinstance(query, Mapping):
        return {name: without_inner_hits(_unshown(name, part)) for name, part in query.items()}
    if isinstance(query, list) and any(isinstance(part, Mapping) for part in query):
        return [without_inner_hits(part) for part in query]
    return query


def _unshown(name: str, clause: Any) -> Any:
    if name not in JOINS or not isinstance(clause, Mapping):
        return clause
    return {key: value for key, value in clause.items() if key != "inner_hits"}


def _bool(clause: Mapping[str, Any]) -> Apart:
    must = [take_apart(part) for part in _clauses(clause.get("must"))]
    filters = _clauses(clause.get("filter"))
    should = _should(clause, alone=not must and not filters)
    conditions = [condition for part in must for condition in part.conditions]
    conditions += filters
    if forbidden := _clauses(clause.get("must_not")):
        conditions.append({"bool": {"must_not": forbidden}})
    parts = [*must, should]
    return Apart(
        tuple(text for part in parts for text in part.texts),
        (*conditions, *should.conditions),
        any(part.narrows for part in parts),
        _is_positive(clause) and any(part.positive for part in parts),
    )


def _should(clause: Mapping[str, Any], *, alone: bool) -> Apart:
    """The optional clauses of a bool query; `alone` when nothing else decides what is found."""
    options = _clauses(clause.get("should"))
    said = clause.get("minimum_should_match")
    least = _least(said, len(options))
    if not options:
        if least:
            raise NotTakenApart(f"minimum_should_match {said} of 0")
        return Apart((), (), False, False)
    least = max(least, 1 if alone else 0)
    parts = [take_apart(option) for option in options]
    apart = _any_of(parts, {"bool": {"should": options, "minimum_should_match": least}})
    if least == 0:
        return Apart(apart.texts, (), False, False)
    if apart.texts and least > len(options):
        raise NotTakenApart(f"minimum_should_match {said} of {len(options)}")
    if least != 1 and apart.texts and any(part.conditions for part in parts):
        raise NotTakenApart(f"minimum_should_match {said} of texts and conditions")
    return apart


def _least(said: Any, options: int) -> int:
    """How many of so many clauses must match: `2`, `-1`, `50%`, `-25%`, `2<75% 5<-1`."""
    text = str(0 if said is None else said).strip()
    try:
        if "<" not in text:
            return max(0, _count(text, options))
        least = options
        for bound, _, count in (part.partition("<") for part in text.split()):
            if options <= int(bound):
                break
            least = max(0, _count(count, options))
        return least
    except ValueError:
        raise NotTakenApart(f"minimum_should_match {text}") from None


def _count(text: str, options: int) -> int:
    number = int(text.removesuffix("%"))
    count = int(options * number / 100) if text.endswith("%") else number
    return options + count if text.startswith("-") else count


def _any_of(parts: Sequence[Apart], whole: Query) -> Apart:
    """Alternatives. A text among them, made optional, frees them all; without, they bind whole."""
    texts = tuple(text for part in parts for text in part.texts)
    positive = all(part.positive for part in parts)
    if not texts:
        return Apart((), (whole,), False, positive)
    return Apart(texts, _shared_conditions(parts), True, positive)


def _shared_conditions(parts: Sequence[Apart]) -> tuple[Query, ...]:
    """What binds whichever alternative is taken: the conditions of each, as alternatives again."""
    if any(not part.conditions for part in parts):
        return ()
    alternatives = [{"bool": {"filter": list(part.conditions)}} for part in parts]
    return ({"bool": {"should": alternatives, "minimum_should_match": 1}},)


def _clauses(value: Any) -> list[Query]:
    """The clauses of an occurrence of a bool query: one object or a list of them."""
    if value is None:
        return []
    return [value] if isinstance(value, Mapping) else list(value)


def _words(name: str, clause: Any) -> str:
    """The text of a clause, whose matches follow from its words alone."""
    text = _text(name, clause)
    if name in BINDING and BINDING[name].search(text):
        raise NotTakenApart(f"conditions within {name}")
    return text


def _text(name: str, clause: Any) -> str:
    if name in FIELD_CLAUSES:
        ((_, clause),) = clause.items()
    return str(clause["query"] if isinstance(clause, Mapping) else clause)


def _is_positive(clause: Any) -> bool:
    """Whether the clause's own boost, which stands in it or one level below, is above 0."""
    if not isinstance(clause, Mapping):
        return True
    levels = [clause, *(value for value in clause.values() if isinstance(value, Mapping))]
    boosts = [level["boost"] for level in levels if "boost" in level]
    return all(isinstance(boost, (int, float)) and boost > 0 for boost in boosts)
