"""term, terms, ids, range and exists: exact, with the score 1 unless it is a text's term."""

import math
from typing import Any

import numpy as np
import tantivy

from .arguments import check_keys, is_scalar, one_field, parsing_error, read_boost, read_object
from .clauses import NOTHING, Clause, Occur, Phrase, disjunction_max
from .columns import ID, MARKS, PADDING, Column
from .dates import check_format, parse_date
from .errors import RequestError, illegal_argument, unsupported
from .failures import ShardFailure
from .scoring import boolean_weight, score_term
from .snapshots import Snapshot
from .values import (
    FLOAT_CODES,
    INTEGER_BITS,
    Value,
    ValueRefused,
    java_number,
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
    column = resolve(snapshot, name)
    if column is None:
        return NOTHING
    return _between(snapshot, column, arguments).scored(boost)


def find_exactly(snapshot: Snapshot, column: Column, value: Any) -> Clause:
    """One value of a field; a text field's term is scored by BM25, all else scores 1."""
    type = column.field.type
    if type == "text":
        return score_term(snapshot, column, preview(value))
    if type == "date":
        return _between(snapshot, column, {"gte": value, "lte": value}).scored(1.0)
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
            _integer(column, extreme)
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
            raise _not_created(f"Can't parse boolean value [{text}], expected [true] or [false]")
        return text == "true"
    if field.type in INTEGER_BITS:
        number = _integer(column, value)
        return int(number) if number == math.floor(number) else None
    try:
        return parse_value(value, field.type, field.format)
    except ValueRefused as error:
        if "finite" in error.reason:
            return None
        raise _not_created(error.reason) from None


def _integer(column: Column, value: Any) -> int | float:
    """A number as a query gives it to an integer field, within what the field could hold."""
    try:
        number = value if type(value) is int else float(parse_value(value, "double", "") or 0)
    except ValueRefused as error:
        raise _not_created(error.reason) from None
    name, bits = ("a long", 64) if column.field.type == "long" else ("an integer", 32)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise _not_created(f"Value [{java_number(number)}] is out of range for {name}")
    return number


def _stored(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else value


def _between(snapshot: Snapshot, column: Column, arguments: dict[str, Any]) -> Clause:
    type = column.field.type
    bounds: dict[str, Any]
    if type != "date" and any(arguments[key] == "" for key in _given(arguments)):
        raise _not_created("empty String")
    if type == "date":
        bounds = {key: _date_bound(column, key, arguments) for key in _given(arguments)}
        kind = tantivy.FieldType.Integer
    elif type in FLOAT_CODES:
        bounds = {key: _float_bound(column, arguments[key]) for key in _given(arguments)}
        kind = tantivy.FieldType.Float
    elif type in INTEGER_BITS:
        bounds = dict(_integer_bound(column, key, arguments[key]) for key in _given(arguments))
        kind = tantivy.FieldType.Integer
    else:
        raise unsupported(f"range on a field of type {type}")
    if "format" in arguments and type != "date":
        raise _not_created(f"Field [{column.field.name}] of type [{type}] does not support format")
    if not bounds:
        marks = tantivy.Query.term_query(snapshot.schema, MARKS, column.name)
        return Clause(marks)
    query = tantivy.Query.range_query(
        snapshot.schema,
        column.name,
        kind,
        lower_bound=bounds.get("gte", bounds.get("gt")),
        upper_bound=bounds.get("lte", bounds.get("lt")),
        include_lower="gt" not in bounds,
        include_upper="lt" not in bounds,
    )
    return Clause(query)


def _given(arguments: dict[str, Any]) -> list[str]:
    """The bounds of a range; null is none."""
    given = [key for key in ("gte", "gt", "lte", "lt") if arguments.get(key) is not None]
    for one, other, side in (("gte", "gt", "lower"), ("lte", "lt", "upper")):
        if one in given and other in given:
            raise parsing_error(f"invalid {side} bound for [range] query")
    return given


def _date_bound(column: Column, key: str, arguments: dict[str, Any]) -> int:
    value = arguments[key]
    format = arguments.get("format", column.field.format)
    check_format(format)
    if isinstance(value, str) and ("||" in value or value.startswith("now")):
        raise unsupported("date math")
    try:
        return parse_date(
            value if isinstance(value, str) else preview(value),
            format,
            round_up=key in ("lte", "gt"),
        )
    except ValueError as error:
        raise ShardFailure("parse_exception", f"{error}: [{error}]") from None


def _float_bound(column: Column, value: Any) -> float:
    try:
        parsed = parse_value(value, column.field.type, "")
    except ValueRefused as error:
        if "finite" in error.reason:
            return math.copysign(np.inf, float(value))
        raise _not_created(error.reason) from None
    return float(parsed or 0.0)


def _integer_bound(column: Column, key: str, value: Any) -> tuple[str, int]:
    """A bound with a fraction is moved to the next integer inside the range."""
    number = _integer(column, value)
    if number == math.floor(number):
        return key, int(number)
    return key[:2] + "e", math.ceil(number) if key.startswith("g") else math.floor(number)


def _not_created(reason: str) -> RequestError:
    return ShardFailure("query_shard_exception", f"failed to create query: {reason}")
