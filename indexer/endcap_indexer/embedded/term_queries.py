"""term, terms, ids, range and exists: exact, with the score 1 unless it is a text's term."""

import math
from typing import Any

import tantivy

from .arguments import check_keys, is_scalar, one_field, parsing_error, read_boost, read_object
from .bounds import SEQUENCE, between, not_created, read_integer, written_between
from .clauses import NOTHING, Clause, Occur, Phrase, disjunction_max
from .columns import ID, MARKS, PADDING, Column
from .errors import illegal_argument, unsupported
from .failures import ShardFailure
from .scoring import boolean_weight, score_term
from .snapshots import Snapshot
from .values import (
    INTEGER_BITS,
    Value,
    ValueRefused,
    parse_value,
    preview,
)

MAX_TERMS = 65_536
FEW_VALUES = 256
RANGE = {"gt", "gte", "lt", "lte", "boost", "format"}
RANGE_ELSEWHERE = {"from", "to", "include_lower", "include_upper", "time_zone", "relation"}


def resolve(snapshot: Snapshot, name: str) -> Column | None:
    """The column of a field, None for one that is not mapped; 400 for one that is not indexed."""
    column = snapshot.columns.get(name)
    if column is None:
        if name.startswith("_") and name != ID:
            raise unsupported(f"field {name}")
        return None
    if not column.field.index and (column.field.type == "text" or not column.field.doc_values):
        reason = f"Cannot search on field [{name}] since it is not indexed."
        raise ShardFailure("query_shard_exception", f"failed to create query: {reason}")
    return column


def term(snapshot: Snapshot, body: Any) -> Clause:
    name, arguments = one_field("term", body, "value")
    check_keys("term", arguments, {"value", "boost"}, {"case_insensitive"})
    value = arguments.get("value")
    if value is None:
        raise illegal_argument("field name is null or empty")
    boost = read_boost("term", arguments)
    if name == "_id":
        return _of_ids(snapshot, [value]).boosted(boost)
    column = resolve(snapshot, name)
    return NOTHING if column is None else find_exactly(snapshot, column, value).boosted(boost)


def terms(snapshot: Snapshot, body: Any) -> Clause:
    arguments = dict(read_object("terms", body))
    boost = read_boost("terms", {"boost": arguments.pop("boost", 1.0)})
    if "_name" in arguments or "value_type" in arguments:
        raise unsupported("terms._name" if "_name" in arguments else "terms.value_type")
    if len(arguments) != 1:
        raise parsing_error("[terms] query does not support multiple fields")
    ((name, values),) = arguments.items()
    if isinstance(values, dict):
        raise unsupported("terms lookup")
    if not isinstance(values, list):
        raise parsing_error(f"[terms] query does not support [{name}]")
    if not all(map(is_scalar, values)):
        raise parsing_error("No value specified for terms query")
    if len(values) > MAX_TERMS:
        raise ShardFailure(
            "query_shard_exception",
            f"failed to create query: The number of terms [{len(values)}] used in the Terms Query"
            f" request has exceeded the allowed maximum of [{MAX_TERMS}]. This maximum can be set"
            " by changing the [index.max_terms_count] index level setting.",
        )
    if name == "_id":
        return _of_ids(snapshot, values).boosted(boost)
    column = resolve(snapshot, name)
    if column is None or not values:
        return NOTHING
    if column.field.type == "boolean" and len({_parse(column, value) for value in values}) == 1:
        return find_exactly(snapshot, column, values[0]).boosted(boost)
    return _of_values(snapshot, column, values).scored(boost)


def ids(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("ids", body)
    check_keys("ids", arguments, {"values", "boost"})
    values = arguments.get("values", [])
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(map(is_scalar, values)):
        raise parsing_error("[ids] failed to parse field [values]")
    return _of_ids(snapshot, values).boosted(read_boost("ids", arguments))


def exists(snapshot: Snapshot, body: Any) -> Clause:
    arguments = read_object("exists", body)
    check_keys("exists", arguments, {"field", "boost"})
    name = arguments.get("field")
    if not isinstance(name, str) or not name:
        raise parsing_error("[exists] must be provided with a [field]")
    columns = [
        column
        for known, column in snapshot.columns.items()
        if (known == name or known.startswith(f"{name}.") and name in snapshot.mapping.objects)
        and (column.field.index or column.field.doc_values)
    ]
    if not columns:
        return NOTHING
    marks = tantivy.Query.term_set_query(
        snapshot.schema, MARKS, [column.name for column in columns]
    )
    return Clause(marks).scored(read_boost("exists", arguments))


def range_query(snapshot: Snapshot, body: Any) -> Clause:
    name, arguments = one_field("range", body, "")
    check_keys("range", arguments, RANGE, RANGE_ELSEWHERE)
    boost = read_boost("range", arguments)
    if name == SEQUENCE.field.name:
        return written_between(snapshot, arguments).scored(boost)
    column = resolve(snapshot, name)
    if column is None:
        return NOTHING
    return between(snapshot, column, arguments).scored(boost)


def find_exactly(snapshot: Snapshot, column: Column, value: Any) -> Clause:
    """One value of a field; a text field's term is scored by BM25, all else scores 1."""
    type = column.field.type
    if type == "text":
        return score_term(snapshot, column, preview(value))
    if type == "date":
        return between(snapshot, column, {"gte": value, "lte": value}).scored(1.0)
    parsed = _parse(column, value)
    if parsed is None:
        return NOTHING
    query = tantivy.Query.term_query(snapshot.schema, column.name, _stored(parsed), "basic")
    score = boolean_weight(snapshot, column, bool(parsed)) if type == "boolean" else 1.0
    return _with_phrases(Clause(query), column, [parsed]).scored(score)


def _of_values(snapshot: Snapshot, column: Column, values: list[Any]) -> Clause:
    if column.field.type == "date":
        return disjunction_max([find_exactly(snapshot, column, item) for item in values], 0.0)
    found: list[Value]
    if column.field.type in INTEGER_BITS and all(type(item) is int for item in values):
        for extreme in (min(values), max(values)):
            read_integer(column, extreme)
        found = values
    elif column.field.type == "text":
        found = [text for text in map(preview, values) if text != PADDING]
    else:
        found = [item for item in (_parse(column, value) for value in values) if item is not None]
    if not found:
        return NOTHING
    query = _any_of(snapshot, column.name, [_stored(item) for item in found])
    return _with_phrases(Clause(query), column, found)


def _any_of(snapshot: Snapshot, name: str, values: list[Value]) -> tantivy.Query:
    """A set is found by walking the whole dictionary, so a few values are looked up one by one."""
    if len(values) > FEW_VALUES:
        return tantivy.Query.term_set_query(snapshot.schema, name, values)
    terms = [tantivy.Query.term_query(snapshot.schema, name, value, "basic") for value in values]
    return tantivy.Query.boolean_query([(Occur.Should, term) for term in terms])


def _with_phrases(clause: Clause, column: Column, values: list[Value]) -> Clause:
    if column.field.type not in ("keyword", "text"):
        return clause
    phrases = tuple(Phrase(column.field.name, ((0, str(value)),)) for value in values)
    return Clause(clause.query, clause.constant, phrases)


def _of_ids(snapshot: Snapshot, values: list[Any]) -> Clause:
    if not values:
        return NOTHING
    return Clause(_any_of(snapshot, ID, [preview(item) for item in values])).scored(1.0)


def _parse(column: Column, value: Any) -> Value | None:
    """A value to look for; None where no document can have it."""
    field = column.field
    if field.type == "boolean" and not isinstance(value, bool):
        text = preview(value)
        if text not in ("true", "false", ""):
            raise not_created(f"Can't parse boolean value [{text}], expected [true] or [false]")
        return text == "true"
    if field.type in INTEGER_BITS:
        number = read_integer(column, value)
        return int(number) if number == math.floor(number) else None
    try:
        return parse_value(value, field.type, field.format)
    except ValueRefused as error:
        if "finite" in error.reason:
            return None
        raise not_created(error.reason) from None


def _stored(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else value
